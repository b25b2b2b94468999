/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * What the sensor says and user space hears: the one place where the words are written.
 * Used by kernel/ and by user space alike, so it includes nothing.
 *
 * Every line of the sensor in the kernel log begins with LKSM_TAG, has kernel facility,
 * and is one line. After the tag comes one of two things.
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
 *
 * /dev/kmsg escapes once more on its own: a backslash of ours is read there as "\x5c".
 */
#ifndef LKSM_WIRE_H
#define LKSM_WIRE_H

/** LKSM_TAG: begins every line of the sensor */
#define LKSM_TAG "[PHOTON RING] "

/**
 * LKSM_MESSAGE_KPROBE_REGISTERED - someone registered a kprobe or kretprobe
 * @%s: symbol, "symbol+0xoff" or, in a module, "module:symbol+0xoff"; "unknown" if the
 *      address belongs to no symbol. Never an address.
 *
 * For LKSM_SYMBOL_KALLSYMS it is printed for a failed attempt too.
 */
#define LKSM_MESSAGE_KPROBE_REGISTERED "Kprobe registered for symbol: %s"

/** LKSM_MESSAGE_KALLSYMS_PROBE: always the line after the one above, same symbol */
#define LKSM_MESSAGE_KALLSYMS_PROBE "SUSPICIOUS *** kallsyms_lookup_name probe detected!"

/** LKSM_SYMBOL_KALLSYMS: what LKSM_MESSAGE_KALLSYMS_PROBE is about */
#define LKSM_SYMBOL_KALLSYMS "kallsyms_lookup_name"

/**
 * LKSM_MESSAGE_MODULE_LOADED - a module is about to run its init function
 * @%s: module name
 * @%u: real user id of the loading task, as the initial user namespace counts
 */
#define LKSM_MESSAGE_MODULE_LOADED "Module loaded: %s by uid %u"

/**
 * LKSM_LOGFMT_HEAD - how each logfmt record begins
 * @%s: event type, snake_case
 * @%s: "info", "medium", "high" or "critical"
 *
 * The types of the sensor, and the keys that follow:
 *
 *	sensor_started      version
 *	sensor_stopped      version
 *	sensor_unavailable  sensor symbol error reason
 *	symbol_hunt         symbol error resolved pid comm uid
 *	                    a failed registration of a kprobe; resolved=yes if it told the
 *	                    caller the symbol's address nevertheless
 *	records_lost        stream count reason
 *	                    reason=overrun: seen, but there was no room to keep it;
 *	                    reason=missed: a probe's handler could not run
 *
 * error is a negative errno.
 */
#define LKSM_LOGFMT_HEAD "type=%s severity=%s"

#endif
