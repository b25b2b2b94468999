/* SPDX-License-Identifier: Apache-2.0 */
/* Is there somebody who tells the receivers? The daemon may leave it to lksm-alerts.service. */
#ifndef OUTPUT_ALERTS_ALERT_PRESENCE_H
#define OUTPUT_ALERTS_ALERT_PRESENCE_H

#include "output/alerts/alert_page.h"

/** alert_page_is_in_use() - who sends is alive */
bool alert_page_is_in_use(const struct alert_page *page);

/** alerts_are_sent() - by whoever keeps the page that @c names: 1; 0: nobody; -errno: who can tell */
int alerts_are_sent(const struct config *c);

/** alerts_warn_unsent() - log it if there are receivers, nobody who tells them, and no service
 * that systemd would start to do it */
void alerts_warn_unsent(const struct config *c);

#endif
