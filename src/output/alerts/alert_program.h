/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receivers that are programs of the system: sendmail, notify-send, one of the configuration's.
 * Who sends may run nothing: it asks the launcher, a process that does nothing else, over a
 * socket. What an event says goes to a program on its standard input only; its environment has
 * a few words and numbers of ours.
 */
#ifndef OUTPUT_ALERTS_ALERT_PROGRAM_H
#define OUTPUT_ALERTS_ALERT_PROGRAM_H

#include "output/alerts/alert_send.h"

/** alert_program_send() - have it run, and wait; @launcher: the socket, -1: run it from here */
void alert_program_send(const struct alert_config *c, size_t receiver,
			const struct alert_group *g, struct span body, int launcher,
			struct alert_outcome *ret);

/** alert_program_serve() - the launcher: until the other end of the socket is closed */
void alert_program_serve(const struct alert_config *c, int socket);

#endif
