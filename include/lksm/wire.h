/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What the sensor says and user space hears: the one place where the words are written.
 * Used by kernel/ and by user space alike, so it includes nothing.
 *
 * The sensor says everything twice: as a numbered record in LKSM_PROC_PATH, which is the
 * event, and as a line in the kernel log, its mirror, which is the echo for people (and
 * for whoever cannot read the former).
 *
 * THE KERNEL LOG
 *
 * Every line of the sensor begins with LKSM_TAG, has kernel facility, and is one line of
 * at most LKSM_MIRROR_MAX bytes without the tag. After the tag comes one of two things.
 *
 * 1. A sentence for people, one of the LKSM_MESSAGE_* formats below:
 *
 *	[PHOTON RING] Module loaded: nf_tables by uid 0
 *
 *    Names in it are escaped: each byte below 0x21 or above 0x7e, each backslash and
 *    each double quote is \xNN (two small hex digits), so that a name is one word and
 *    cannot go on with the sentence. A name that was too long ends in "...".
 *
 * 2. logfmt, which begins with LKSM_LOGFMT_HEAD:
 *
 *	[PHOTON RING] type=symbol_hunt severity=medium symbol=no_such error=-2 comm="a b"
 *
 *    key=value pairs, one space between them, each key once, keys [a-z0-9_]+. A value
 *    is bare if it is not empty and holds only bytes 0x21..0x7e without '"', '=' and
 *    '\'; otherwise it stands in double quotes, and inside them the four kinds of bytes
 *    named above are \xNN, but for the space. So a '"' always ends a value, and "\x" is
 *    the only escape.
 *    Where pairs had no room, the last one is truncated=yes.
 *
 * /dev/kmsg escapes once more on its own: a backslash of ours is read there as "\x5c".
 *
 * LKSM_PROC_PATH
 *
 * Mode 0600, root's. Lines of logfmt as above, each at most LKSM_LINE_MAX bytes with its
 * newline, printable ASCII throughout. The first key tells the three kinds apart:
 *
 *	lksm_version=1 sensor=0.1.0 instance=0123456789abcdef boot_id=UUID first=3 next=19
 *	type=records_lost severity=high stream=proc reason=overrun first=3 last=9 count=7
 *	seq=17 ts=123.456789 mirror="Kprobe registered for symbol: vfs_fsync"
 *		type=kprobe_registered severity=info symbol=vfs_fsync module=evil pid=42
 *		comm=insmod uid=0
 *	seq=18 ts=123.456801 type=symbol_hunt severity=medium symbol=no_such error=-2 ...
 *
 * (A record is one line; the third is broken here only to fit.)
 *
 * lksm_version  The header: the first line after each open(2), and only then, whatever
 *	lseek(2) did before. Other keys may be added behind. instance is drawn at each load
 *	of the sensor: numbers of different instances have nothing to do with each other.
 *	boot_id is the kernel's, or "unknown" where /proc was not mounted at load time.
 *	first is the number of the oldest record that is kept, next the number that the
 *	next one will get; equal if there is none. In an instance, numbers count from 0
 *	without a gap.
 *
 * seq  A record. These keys come first, in this order, and are not the event's data:
 *	seq	its number in the instance
 *	ts	when it happened, not when it was printed: the clock and the microseconds
 *		of the kernel log's own stamps. The mirror's stamp is later, or (two CPUs'
 *		clocks) a few microseconds earlier. Not always ascending.
 *	mirror	the mirror after the tag, byte for byte once unquoted. Left out if the
 *		mirror is logfmt: then it is this line from "type=" to its end.
 *	Then type, severity and the event's own keys, as in the kernel log. The record is
 *	there before its mirror is.
 *
 * type  Not a record (it has no number): this open file's position is older than the
 *	oldest record. The numbers first..last, count of them, were overwritten before it
 *	read them. Reading goes on with last + 1.
 *
 * read(2) never sleeps. It gives whole lines, as many as fit, at most about 16 KiB at
 *	once; 0 when there is no more for now; -EINVAL if not even one line fits, which
 *	cannot be with room for LKSM_LINE_MAX. The file position is the number of the next
 *	record. It starts at the oldest one. pread(2) reads from record N, likewise.
 * lseek(2)  SEEK_SET N: on to record N, N <= next, else -EINVAL; if N is gone already,
 *	the line about lost records comes first. SEEK_END 0: on to the next record to come.
 *	SEEK_CUR 0: tells the position.
 * poll(2), epoll(7)  EPOLLIN when a read would give something. When the sensor is about
 *	to go: EPOLLHUP, with EPOLLIN as long as something is left to read.
 * write(2)  The word LKSM_PROC_SCAN, with or without a newline, by one who may administer
 *	the system (CAP_SYS_ADMIN): everything is looked at now, and what was found is
 *	there to read when write(2) returns. Anything else is -EINVAL.
 * The sensor is gone: reads are -EIO. Its last record is type=sensor_stopped; who polls
 *	and reads at once gets it before. A poller that slept through the whole unloading
 *	(250 ms) may see EPOLLIN and the like in place of EPOLLHUP, and gets -EIO by
 *	reading. Such a file never comes back: open the path again for the next instance.
 */
#ifndef LKSM_WIRE_H
#define LKSM_WIRE_H

/** LKSM_TAG: begins every line of the sensor */
#define LKSM_TAG "[PHOTON RING] "

/** LKSM_PROC_PATH: the records; LKSM_PROC_NAME is the kernel's word for it */
#define LKSM_PROC_NAME "lksm"
#define LKSM_PROC_PATH "/proc/" LKSM_PROC_NAME

/** LKSM_PROC_SCAN: written to LKSM_PROC_PATH it makes the sensor look at everything */
#define LKSM_PROC_SCAN "scan"

/** LKSM_MIRROR_MAX: bytes of a mirror without the tag; below the 992 that 5.10 keeps */
#define LKSM_MIRROR_MAX 960

/** LKSM_LINE_MAX: bytes of a line in LKSM_PROC_PATH, with its newline */
#define LKSM_LINE_MAX 4096

/** LKSM_PROC_VERSION: goes up when a reader of the old format would misread the new one */
#define LKSM_PROC_VERSION 1

/**
 * LKSM_PROC_HEADER - the header
 * @%d: LKSM_PROC_VERSION
 * @%s: version of the sensor
 * @%016llx: instance
 * @%s: boot id
 * @%llu: oldest number
 * @%llu: next number
 */
#define LKSM_PROC_HEADER \
	"lksm_version=%d sensor=%s instance=%016llx boot_id=%s first=%llu next=%llu\n"

/**
 * LKSM_PROC_LOST - this reader was too slow
 * @%llu: first number that is lost
 * @%llu: last number that is lost
 * @%llu: their count
 */
#define LKSM_PROC_LOST                                                           \
	"type=records_lost severity=high stream=proc reason=overrun first=%llu " \
	"last=%llu "                                                             \
	"count=%llu\n"

/**
 * LKSM_MESSAGE_KPROBE_REGISTERED - someone registered a kprobe or kretprobe
 * @%s: symbol, "symbol+0xoff" or, in a module, "module:symbol+0xoff"; "unknown" if the
 *      address belongs to no symbol. Never an address.
 *
 * For LKSM_SYMBOL_KALLSYMS it is printed for a failed attempt too.
 * Record: type=kprobe_registered severity symbol module pid comm uid; module is who
 * registered it, and is left out if that was no module that could be named. severity=info,
 * high for a foreign module, critical for code of nobody's.
 */
#define LKSM_MESSAGE_KPROBE_REGISTERED "Kprobe registered for symbol: %s"

/**
 * LKSM_MESSAGE_KALLSYMS_PROBE: always the line after the one above, same symbol
 *
 * Record: type=suspicious_probe severity=high message symbol module pid comm uid
 */
#define LKSM_MESSAGE_KALLSYMS_PROBE "SUSPICIOUS *** kallsyms_lookup_name probe detected!"

/** LKSM_SYMBOL_KALLSYMS: what LKSM_MESSAGE_KALLSYMS_PROBE is about */
#define LKSM_SYMBOL_KALLSYMS "kallsyms_lookup_name"

/**
 * LKSM_MESSAGE_MODULE_LOADED - a module is about to run its init function
 * @%s: module name
 * @%u: real user id of the loading task, as the initial user namespace counts
 *
 * Record: type=module_loaded severity from path taints module pid comm uid; severity=medium
 * for a foreign module, info for one of the kernel's own
 */
#define LKSM_MESSAGE_MODULE_LOADED "Module loaded: %s by uid %u"

/**
 * LKSM_LOGFMT_HEAD - how each logfmt record begins
 * @%s: event type, snake_case
 * @%s: "info", "medium", "high" or "critical"
 *
 * The types of the sensor besides the three above, and the keys that follow:
 *
 *	sensor_started      version
 *	sensor_stopped      version
 *	sensor_unavailable  sensor symbol error reason
 *	                    error=-28: that guard cannot look at all that there is
 *	symbol_hunt         symbol error resolved module pid comm uid
 *	                    a failed registration of a kprobe; resolved=yes if it told the
 *	                    caller the symbol's address nevertheless
 *	sensor_disarmed     how switch|what
 *	                    how=kprobes, ftrace: all probes of that kind are silent, by
 *	                    that switch of the kernel's; how=probe, sensor: that one is;
 *	                    how=work: the sweeps or the canary do not go on
 *	sensor_rearmed      how what
 *	coverage            have missing
 *	                    guards, and sensors as sensor_NAME; a probe that is missing as
 *	                    sensor_NAME.SYMBOL
 *	scan_done
 *	process_hidden      task name missing
 *	                    task is its number; missing: tasks, pids, tgids, children
 *	creds_changed       task name how caller module
 *	                    how=commit_creds: by a call that did not come from the kernel;
 *	                    in_place: overwritten; init_cred, shared: a pointer to others'
 *	task_tampered       task name flag when
 *	foreign_thread      task name how new when module
 *	                    a kernel thread; how=thread: its function, work: of a work item
 *	                    that it is at, call: it has called it
 *	creds_prepared      caller module
 *	                    a module asked for credentials of the kernel's own
 *	usermodehelper_run  path arguments module
 *	                    the kernel runs a program; module is among the callers
 *	bpf_loaded          name kind id helpers
 *	bpf_attached        kind target
 *	uprobe_registered   path offset module
 *	                    path from the root of its file system
 *	device_opened       path
 *	kexec_load          how crash
 *	                    tried, whatever came of it; how=segments, file, or unload: the
 *	                    one that was there is let go; crash=yes: kdump
 *	records_lost        stream=sensor count reason
 *	                    reason=overrun: seen, but there was no room to keep it;
 *	                    reason=missed: a probe's handler could not run;
 *	                    reason=unaccounted: the books of all that was seen do not
 *	                    balance when the sensor stops;
 *	                    reason=memory: the kernel had none to tell it
 *	module_hidden       missing when module
 *	                    a loaded module is no longer in these: list, sysfs, tree (by
 *	                    address); or has no longer its name, state or taint
 *	code_hidden         size name when
 *	                    size bytes that can be executed, and nobody has them; name: if
 *	                    a module was found that says that they are its
 *	ftrace_hook         symbol count new when module
 *	                    symbol: up to three of count functions, "a,b"; "*" if it is all
 *	kprobe_registered   symbol new when module
 *	                    from the kernel's table; the one above is from the registration
 *	tracepoint_probe    tracepoint new when module
 *	netfilter_hook      what new when module
 *	                    what: ipv4/pre_routing, netdev/rx_handler, packet/all and so on
 *	notifier_added      what new when module
 *	                    what: the name of the chain in the kernel
 *	lsm_hook            what old new when module, or what gone=yes
 *	livepatch_enabled   name module
 *	variable_changed    name old new when
 *	                    a switch or string of the kernel's, changed in memory: nobody
 *	                    wrote it by the file that there is for it
 *	variable_restored   the same, back to what it lawfully was
 *	sysctl_written      name old value pid comm uid exe
 *	                    medium if it weakens the system
 *	taint_cleared       old new cleared when
 *	                    letters as in an oops; "none"
 *	pointer_hooked      what old new when
 *	                    what: TABLE.MEMBER, TABLE[N] or TABLE+0xN; old, new: functions
 *	                    what: PATH.FIELD or FILESYSTEM.FIELD, and member function behind
 *	                    new; old, new: tables; function: the first stranger in new, its
 *	                    member
 *	pointer_restored    what old new when
 *	idt_hooked          what cpu old new when
 *	                    what: idt[N], or IDTR if a processor has another table
 *	msr_changed         what cpu old new when
 *	cpu_protection_off  what cpu when
 *	                    what: CR0.WP, CR4.SMEP, CR4.SMAP
 *	debug_register      what cpu symbol new when
 *	                    a breakpoint at symbol; new: whom the kernel calls for it
 *
 * error is a negative errno. pid, comm and uid are the task that did it, in the initial
 * namespaces; records without them are about the sensor itself.
 */
#define LKSM_LOGFMT_HEAD "type=%s severity=%s"

#endif
