/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * The event types that LKSM itself makes, one row each; types of kernel-log lines come from
 * rules (rules/), types of modules from the modules.
 *
 * X(type, severity, source, attack, keys, sentence)
 *	severity	INFO, MEDIUM, HIGH or CRITICAL, unless the sentence says otherwise
 *	source		lksm, or kernel_log
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
	X(process_restarted, HIGH, lksm, "", "process reason",                            \
	  "A part of the daemon died and was started again")                              \
	X(log_recovered, HIGH, lksm, "", "file bytes",                                    \
	  "A torn last line was cut from the log at start")                               \
	X(log_write_failed, CRITICAL, lksm, "", "error count",                            \
	  "Events could not be written for a while and are lost or late")                 \
	X(module_refused, HIGH, lksm, "", "module reason", "A module was not loaded")     \
	X(module_failed, HIGH, lksm, "", "module reason",                                 \
	  "A module crashed, hung, flooded or spoke nonsense")

#endif
