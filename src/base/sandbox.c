// SPDX-License-Identifier: Apache-2.0
/*
 * See sandbox.h. The order matters: who may change its user may drop capabilities, who has
 * no new privileges may use Landlock and seccomp, and after seccomp most of this is
 * forbidden.
 */
#include "base/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/landlock.h"
#include "base/log.h"
#include "base/seccomp.h"
#include "base/systemd.h"

struct plan {
	bool has_landlock;
	enum landlock_files files;
	enum seccomp_list calls;
	bool has_children; /* may start processes, or threads before it settles */
	size_t n_capabilities;
	int capabilities[2];
};

static const struct plan plans[SANDBOX_KIND_COUNT] = {
	[SANDBOX_CORE] = { true, LANDLOCK_FILES_NONE, SECCOMP_CORE, true, 0, { 0 } },
	[SANDBOX_WEB] = { true, LANDLOCK_FILES_NONE, SECCOMP_WEB, false, 0, { 0 } },
	/* files may be root's and others' */
	[SANDBOX_LOADER] = { true,
			     LANDLOCK_FILES_READ,
			     SECCOMP_LOADER,
			     false,
			     1,
			     { CAP_DAC_READ_SEARCH } },
	/* Landlock would hide other processes from it. Its calls it restricts itself, when
	 * it has begun. */
	[SANDBOX_APART] = { false,
			    LANDLOCK_FILES_READ,
			    SECCOMP_MODULE,
			    true,
			    2,
			    { CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE } },
	/* the folder may be somebody else's */
	[SANDBOX_COMPRESSOR] = { true,
				 LANDLOCK_FILES_FOLDER,
				 SECCOMP_COMPRESSOR,
				 false,
				 1,
				 { CAP_DAC_OVERRIDE } },
	[SANDBOX_HISTORY] = { true,
			      LANDLOCK_FILES_FOLDERS,
			      SECCOMP_HISTORY,
			      false,
			      0,
			      { 0 } },
	[SANDBOX_WEB_HISTORY] = { true,
				  LANDLOCK_FILES_FOLDER_READ,
				  SECCOMP_WEB_HISTORY,
				  true,
				  0,
				  { 0 } },
	/* the logs are root's */
	[SANDBOX_FEEDER] = { true,
			     LANDLOCK_FILES_READ,
			     SECCOMP_FEEDER,
			     false,
			     1,
			     { CAP_DAC_READ_SEARCH } },
	[SANDBOX_SENDER] = { true,
			     LANDLOCK_FILES_CLIENT,
			     SECCOMP_SENDER,
			     true,
			     0,
			     { 0 } },
	[SANDBOX_MODULE] = { true, LANDLOCK_FILES_READ, SECCOMP_MODULE, true, 0, { 0 } },
};

/* Libraries read these when they first need them, and keep them. */
static void warm_up(void)
{
	sd_id128_t id;

	tzset();
	if (sd.id128_get_boot)
		(void)sd.id128_get_boot(&id); /* sd-event's timers do without */
}

static void limit(int resource, rlim_t most)
{
	struct rlimit now;

	/* a lower limit is always ours to set */
	if (getrlimit(resource, &now) < 0)
		return;
	now.rlim_max = now.rlim_max < most ? now.rlim_max : most;
	now.rlim_cur = now.rlim_cur < now.rlim_max ? now.rlim_cur : now.rlim_max;
	(void)setrlimit(resource, &now);
}

static size_t list_capabilities(const struct sandbox_options *o, const struct plan *plan,
				int *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_capabilities; i++)
		ret[n++] = plan->capabilities[i];
	for (size_t i = 0; i < o->n_capabilities; i++)
		ret[n++] = o->capabilities[i];
	return n;
}

static int drop_privileges(const struct sandbox_options *o, const struct plan *plan)
{
	int keep[ARRAY_SIZE(plan->capabilities) + SANDBOX_CAPABILITIES_MAX];
	size_t n = list_capabilities(o, plan, keep);
	pid_t parent = getppid();
	int signal = 0, r = 0, error;

	(void)prctl(PR_GET_PDEATHSIG, &signal); /* cannot fail */
	if (geteuid() == 0)
		r = privilege_drop_bounding(keep, n);
	if (o->user) {
		error = privilege_become(o->user);
		r = error < 0 ? error : r;
	}
	error = privilege_drop_capabilities(keep, n);
	r = error < 0 ? error : r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	if (signal) { /* forgotten with the old user */
		(void)prctl(PR_SET_PDEATHSIG, signal);
		if (getppid() != parent)
			_exit(0);
	}
	return r;
}

static void tell(const char *name, const char *what, int error)
{
	if (error < 0)
		log_message(LOG_LEVEL_NOTICE, error, "%s runs without %s", name, what);
}

void sandbox_enter(const struct sandbox_options *o, struct sandbox_report *ret)
{
	const struct plan *plan = &plans[o->kind];

	*ret = (struct sandbox_report){ 0 };
	warm_up();
	limit(RLIMIT_CORE, 0); /* memory holds what a dump would give away */
	ret->privileges = drop_privileges(o, plan);
	(void)prctl(PR_SET_DUMPABLE, 0); /* cannot fail with 0 */
	if (!plan->has_children)
		limit(RLIMIT_NPROC, 0);
	if (plan->has_landlock)
		ret->landlock = landlock_restrict(plan->files, o->folder, o->read_folder);
	ret->seccomp = seccomp_restrict(plan->calls);
	if (ret->seccomp == 0)
		ret->seccomp = 1;
	tell(o->name, "its own user or with capabilities", ret->privileges);
	tell(o->name, "Landlock", ret->landlock);
	tell(o->name, "seccomp", ret->seccomp);
}

void sandbox_settle(void)
{
	int r;

	limit(RLIMIT_NPROC, 0);
	r = seccomp_restrict(SECCOMP_SETTLED);
	if (r < 0)
		log_message(LOG_LEVEL_NOTICE, r, "threads and code can still be made");
}
