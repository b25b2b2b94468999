/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The event types of the sensor's records, one row each. The sensor writes type, severity
 * and keys (lksm/wire.h); what a type means, and its MITRE ATT&CK ids, stand here only, and
 * the daemon adds them. script/check-types compares kernel/ with this table.
 *
 * X(type, attack, keys, sentence)
 *	attack		MITRE ATT&CK ids, "" for none
 *	keys		the particulars; then, where known: when, module or candidates, pid,
 *			comm, uid, exe
 *
 * Severity follows ownership. What the kernel itself or a signed module of its own does is
 * info; what leads into an out-of-tree or unsigned module is high; into memory of nobody's,
 * at the entry of system calls, or hidden: critical. old= and new= are symbol+offset, with
 * the module before it.
 */
#ifndef LKSM_SENSOR_TYPES_H
#define LKSM_SENSOR_TYPES_H

#define LKSM_SENSOR_TYPES(X)                                                              \
	X(sensor_started, "", "version", "The sensor was loaded")                         \
	X(sensor_stopping, "T1562.001", "version", "Somebody unloads the sensor")         \
	X(sensor_stopped, "T1562.001", "version", "The sensor is unloaded: its last record")         \
	X(sensor_unavailable, "", "sensor symbol error reason",                           \
	  "This kernel lacks what a sensor needs")                                        \
	X(sensor_disarmed, "T1562.001", "how switch what",                                \
	  "Probes of the sensor are silent, or its periodic work has stopped")            \
	X(sensor_rearmed, "", "how what",                                                 \
	  "They work again")                                                              \
	X(coverage, "", "have missing", "What is watched on this kernel, and what not")   \
	X(scan_done, "", "", "Somebody had the sensor look at everything")                 \
	X(module_loaded, "T1547.006", "from path taints",                                 \
	  "A module is about to run its init function; from memory if no file was given") \
	X(module_unloaded, "", "", "A module leaves")                                     \
	X(module_hidden, "T1014 T1547.006", "missing",                                    \
	  "A module is missing where the kernel keeps its modules")                       \
	X(process_hidden, "T1014", "task name missing",                                   \
	  "Some of the kernel's lists of processes lack one")                             \
	X(kprobe_registered, "T1014", "symbol", "A kprobe or kretprobe was registered")   \
	X(suspicious_probe, "T1014", "message symbol",                                    \
	  "Somebody hunts for kallsyms_lookup_name")                                      \
	X(symbol_hunt, "T1014", "symbol error resolved",                                  \
	  "A registration of a kprobe failed; resolved=yes if it told the address all the same") \
	X(creds_changed, "T1068 T1014", "task name how caller",                           \
	  "A task got more rights by other than the lawful ways")                         \
	X(task_tampered, "T1014", "task name flag",                                       \
	  "A process has a flag that only the kernel gives, and not to such a one")       \
	X(foreign_thread, "T1014", "task name how new",                                   \
	  "A thread of the kernel's runs code that is not the kernel's")                  \
	X(creds_prepared, "T1068 T1014", "caller",                                        \
	  "A module asked for credentials of the kernel's own")                           \
	X(usermodehelper_run, "T1543", "path arguments",                                      \
	  "The kernel runs a program as root")                                            \
	X(bpf_loaded, "T1014", "name kind id helpers",                                    \
	  "A BPF program was loaded; two helpers let it change what others see")          \
	X(bpf_attached, "T1014", "kind target",                                           \
	  "A BPF program was attached")                                                   \
	X(uprobe_registered, "T1056", "path offset",                                      \
	  "A probe on a program was registered")                                          \
	X(device_opened, "T1005", "path",                                                 \
	  "A device with the memory of the kernel was opened")                            \
	X(kexec_load, "T1542", "how crash",                                               \
	  "Somebody tried to load another kernel")                                        \
	X(code_hidden, "T1014 T1547.006", "size name",                                    \
	  "Executable memory that nobody has; name of the module that says it is its")    \
	X(syscall_hooked, "T1014", "what old new", "A system call leads elsewhere")       \
	X(syscall_restored, "", "what old new", "A system call leads where it led before") \
	X(text_patched, "T1014", "what how new", "Code of the kernel was changed")        \
	X(text_restored, "", "what", "Changed code is as it was")                         \
	X(ftrace_hook, "T1014", "symbol count new",                                       \
	  "A callback of ftrace's on functions of the kernel; count of them")             \
	X(tracepoint_probe, "T1014", "tracepoint new", "A function hangs on a tracepoint") \
	X(netfilter_hook, "T1205 T1014", "what new", "A function sees packets first")     \
	X(notifier_added, "T1056.001 T1014", "what new",                                  \
	  "A function is called at each event of a chain, such as a key press")           \
	X(lsm_hook, "T1562.001", "what new", "A function decides for the kernel's guards") \
	X(livepatch_enabled, "T1014", "", "A module replaces functions by livepatch")     \
	X(pointer_hooked, "T1014", "what old new member function",                        \
	  "A table of functions, or an object's pointer to one, leads elsewhere")         \
	X(pointer_restored, "", "what old new", "It leads where it led before")           \
	X(idt_hooked, "T1014", "what cpu old new",                                        \
	  "An interrupt or exception leads elsewhere")                                    \
	X(idt_restored, "", "what old new",                                               \
	  "An interrupt leads to the kernel again")                                       \
	X(msr_changed, "T1014", "what cpu old new",                                       \
	  "A processor enters system calls elsewhere, or otherwise")                      \
	X(msr_restored, "", "what cpu old new",                                           \
	  "A processor enters the kernel again")                                          \
	X(cpu_protection_off, "T1562 T1014", "what cpu",                                  \
	  "A processor no longer protects the kernel's memory")                           \
	X(debug_register, "T1014", "what cpu symbol new",                                 \
	  "A breakpoint of the processor's lies in the kernel")                           \
	X(variable_changed, "T1562.001", "name old new",                                  \
	  "A switch or path of the kernel changed in memory; nobody wrote its file")      \
	X(variable_restored, "", "name old new", "It is as it was at the first look")     \
	X(sysctl_written, "T1562.001", "name old new", "Somebody wrote the switch's file") \
	X(taint_cleared, "T1070", "old new", "The kernel forgot what taints it")

#endif
