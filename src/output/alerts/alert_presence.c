// SPDX-License-Identifier: Apache-2.0
/* See alert_presence.h. */
#include "output/alerts/alert_presence.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* what `systemctl enable lksm-alerts` makes */
#define ENABLED "/etc/systemd/system/multi-user.target.wants/lksm-alerts.service"

bool alert_page_is_in_use(const struct alert_page *page)
{
	pid_t pid = atomic_load(&page->pid);

	return pid > 0 && (kill(pid, 0) == 0 || errno == EPERM);
}

int alerts_are_sent(const struct config *c)
{
	const char *folder = *c->alerts_dir ? c->alerts_dir : c->output_dir;
	_cleanup_close_ int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = dir < 0 ? -1
					 : openat(dir, ALERT_PAGE_NAME,
						  O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct alert_page *page;
	int r = fd < 0 ? -errno : alert_page_map(fd, false, &page);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = alert_page_is_in_use(page);
	alert_page_unmap(page);
	return r;
}

void alerts_warn_unsent(const struct config *c)
{
	struct stat st;

	if (c->n_alert_options && alerts_are_sent(c) == 0 && lstat(ENABLED, &st) < 0)
		log_warning("alerts: there are receivers, and nobody tells them: "
			    "`systemctl enable --now lksm-alerts`");
}
