/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The event types that LKSM itself makes, one row each; types of kernel-log lines come from
 * rules (rules/), types of modules from the modules.
 *
 * X(type, severity, source, attack, keys, sentence)
 *	severity	INFO, MEDIUM, HIGH or CRITICAL, unless the sentence says otherwise
 *	source		lksm, kernel_log, or the module that makes it
 *	attack		MITRE ATT&CK ids, "" for none
 *	keys		the keys of data
 */
#ifndef LKSM_EVENT_TYPES_H
#define LKSM_EVENT_TYPES_H

#define LKSM_EVENT_TYPES(X)                                                               \
	X(kernel_message, INFO, kernel_log, "", "message",                                \
	  "A kernel-log record that no rule names; logged only on request")               \
	X(spoof_suspected, HIGH, lksm, "T1036", "line reason",                            \
	  "A kernel-log line carries the sensor's tag, but the sensor cannot have written it") \
	X(records_lost, HIGH, lksm, "", "stream first last count reason",                 \
	  "Records of a stream were gone before they could be read; info when they were " \
	  "gone before the first look at this boot (reason before_start)")                \
	X(log_filtered, CRITICAL, lksm, "T1562.006", "stream first last count",           \
	  "The kernel log's numbers jump without an overrun: something filters our reads") \
	X(source_failed, HIGH, lksm, "", "stream error",                                  \
	  "A source can no longer be read")                                               \
	X(sensor_gone, CRITICAL, lksm, "T1562.001", "instance last",                      \
	  "The sensor's channel ended: its module was unloaded; last is the last record " \
	  "that was read from it")                                                        \
	X(sensor_back, INFO, lksm, "", "instance first",                                  \
	  "The sensor's channel is there again; first is the oldest record it holds")     \
	X(config_reloaded, INFO, lksm, "", "rules", "Configuration and rules were read again") \
	X(config_rejected, HIGH, lksm, "", "error",                                       \
	  "New configuration or rules were refused; the running ones stay")               \
	X(mute_added, MEDIUM, lksm, "T1562.006", "id what until reason by",               \
	  "Somebody muted events (`lksm mute`): they are logged, but no alert is sent")   \
	X(mute_removed, INFO, lksm, "", "id what how",                                    \
	  "Events are muted no more; how is removed or expired")                          \
	X(mutes_in_force, INFO, lksm, "", "count file",                                   \
	  "The daemon began, and so many mutes stood in that file")                       \
	X(process_restarted, HIGH, lksm, "", "process reason",                            \
	  "A part of the daemon died and was started again")                              \
	X(process_stopped, CRITICAL, lksm, "T1562.001", "process",                        \
	  "Somebody stopped a part of the daemon (SIGSTOP); it was made to go on at once") \
	X(sandbox_violated, CRITICAL, lksm, "T1611 T1068", "process reason",              \
	  "A part of the daemon made a system call that its sandbox forbids, was killed " \
	  "and started again: somebody's code runs in it, or a library changed")          \
	X(log_recovered, HIGH, lksm, "", "file bytes",                                    \
	  "A torn last line was cut from the log at start, or what was behind a hole")                               \
	X(log_write_failed, CRITICAL, lksm, "", "error count",                            \
	  "Events could not be written for a while and are lost or late")                 \
	X(log_tampered, CRITICAL, lksm, "T1070.002", "file how",                  \
	  "Somebody else changed a file of the log folder; how is deleted, renamed, "    \
	  "replaced, truncated, appended, changed, folder_removed, or, high, "           \
	  "hard_linked, attributes or planted (a log that is not ours)")                 \
	X(log_restored, HIGH, lksm, "", "file bytes moved_to",                            \
	  "A log that was deleted, renamed, replaced or hard-linked is whole again under " \
	  "its own name; moved_to is what had taken its place")                                                                \
	X(log_lines_lost, CRITICAL, lksm, "T1070.002", "file first last count reason",    \
	  "Events that were in the log are there no more: those with seq first to last") \
	X(clock_jumped, MEDIUM, lksm, "", "step_us from to",                              \
	  "The clock was set, by step_us microseconds; seq still tells the order")        \
	X(log_sealed, INFO, lksm, "", "seal from to count offset key hash previous mac",  \
	  "Vouches for the lines before it: docs/seals.md")                               \
	X(log_tail_missing, CRITICAL, lksm, "T1070", "first last",                        \
	  "At start, the log's end was gone: seals first to last, and what they vouched for") \
	X(log_tail_lost, HIGH, lksm, "", "first last",                                    \
	  "As log_tail_missing, but the machine was started anew meanwhile and the log "  \
	  "had not been synced (output.fsync): a crash explains it")                      \
	X(seal_key_changed, INFO, lksm, "", "key first",                                  \
	  "`lksm keys` made another key, which is used from seal first on")               \
	X(seal_key_lost, HIGH, lksm, "T1070", "key first reason",                         \
	  "The key of the seals was missing or damaged; another is used from seal first on") \
	X(seal_failed, HIGH, lksm, "", "error", "The log cannot be sealed for now")       \
	X(heartbeat, INFO, lksm, "", "interval", "All is well; the next comes in so many seconds") \
	X(module_refused, HIGH, lksm, "", "module reason", "A module was not loaded")     \
	X(module_failed, HIGH, lksm, "", "module reason",                                 \
	  "A module crashed, hung, flooded or spoke nonsense")                            \
	X(alert_undelivered, HIGH, alerts, "", "receiver about count first last error",      \
	  "A message to a receiver of alerts was given up and is among the dead letters; "   \
	  "it was about events of type about, from seq first to last")                       \
	X(process_hidden, CRITICAL, crossview, "T1014",                                   \
	  "pid comm uid exe start_ms missing seen",                                       \
	  "Some of the kernel's answers know a process and others do not; without comm, " \
	  "it cannot be reached by its name in /proc")                                    \
	X(socket_hidden, CRITICAL, crossview, "T1014",                                    \
	  "protocol local remote state uid inode pid comm exe missing seen",              \
	  "A socket is missing in /proc/net or in sock_diag")                             \
	X(file_hidden, CRITICAL, crossview, "T1014 T1564.001",                            \
	  "folder name how inode count pid",                                              \
	  "A folder's list lacks something: how is record_swallowed, position, "          \
	  "subfolders (count of them) or not_listed (the program of pid)")                \
	X(module_hidden, CRITICAL, crossview, "T1014 T1547.006", "module missing seen",   \
	  "A kernel module is missing in /proc/modules or /sys/module")

#endif
