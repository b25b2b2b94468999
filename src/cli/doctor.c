// SPDX-License-Identifier: Apache-2.0
/*
 * lksm doctor: what is and isn't in place, in plain words, and what to do about it. One
 * table of checks; each looks at one thing and changes nothing.
 */
#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "lksm/wire.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/paths.h"
#include "base/safe_path.h"
#include "base/text.h"
#include "cli/setup.h"
#include "cli/verb.h"
#include "core/sandbox_page.h"
#include "core/seal_key.h"
#include "output/alerts/alert_presence.h"
#include "output/dashboard/dashboard.h"
#include "output/dashboard/mhd.h"

#define LINE_SIZE      512
#define SPACE_LOW      ((uint64_t)256 << 20)
#define SMALL_FILE_MAX ((size_t)1 << 20)

/* EXPIRES_SOON_DAYS - what renews certificates by itself does so 30 days before */
#define EXPIRES_SOON_DAYS 14
#define DAY_SECONDS	  86400

enum verdict {
	FINE,
	ADVICE, /* works, but could be better */
	WRONG,
};

struct finding {
	char what[LINE_SIZE];
	char remedy[LINE_SIZE]; /* empty when fine */
};

struct doctor {
	struct setup setup;
	bool has_config;
	const char *config_path;
};

#define SAY(to, ...) ((void)snprintf(to, LINE_SIZE, __VA_ARGS__))

/* A small file's first line; "" if it cannot be read, or @fd is none. */
static void read_line(int fd, char ret[static LINE_SIZE])
{
	ssize_t n = fd < 0 ? 0 : read(fd, ret, LINE_SIZE - 1);

	ret[n > 0 ? n : 0] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
}

/* A switch of the kernel's: one character, or nothing. */
static void read_switch(const char *path, char ret[static LINE_SIZE])
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	read_line(fd, ret);
}

/* The log folder may be one that others write in. Return: the descriptor; -errno. */
static int open_in_log_folder(const struct doctor *d, const char *name)
{
	char path[LINE_SIZE];

	SAY(path, "%s/%s", d->setup.config.output_dir, name);
	return open_regular_at(AT_FDCWD, path);
}

static enum verdict check_config(struct doctor *d, struct finding *f)
{
	d->has_config = setup_load_config(&d->setup, d->config_path) >= 0;
	if (d->has_config) {
		SAY(f->what, "The configuration is valid");
		return FINE;
	}
	SAY(f->what, "The configuration has errors (above)");
	SAY(f->remedy, "mend the lines named above; `lksm check` tests them again");
	return WRONG;
}

static enum verdict check_rules(struct doctor *d, struct finding *f)
{
	if (setup_load_rules(&d->setup) >= 0) {
		SAY(f->what, "%zu rules are valid and their examples match",
		    rules_count(d->setup.rules));
		return FINE;
	}
	SAY(f->what, "The rules cannot be used");
	SAY(f->remedy, "mend what is named above; `lksm check` tests them again");
	return WRONG;
}

static enum verdict check_kernel_log(struct doctor *d, struct finding *f)
{
	const char *path = config_module_option(&d->setup.config, "kprobe_reader",
						"kmsg");
	_cleanup_close_ int fd = -1;

	path = path ? path : "/dev/kmsg";
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0) {
		SAY(f->what, "The kernel log can be read (%s)", path);
		return FINE;
	}
	SAY(f->what, "The kernel log cannot be read: %s: %s", path, strerror(errno));
	SAY(f->remedy, errno == EPERM || errno == EACCES
			       ? "run as root, or give the program CAP_SYSLOG"
			       : "a container needs the host's /dev/kmsg");
	return WRONG;
}

/* A fresh installation has rules for the sensor's lines alone. */
static enum verdict check_kernel_rules(struct doctor *d, struct finding *f)
{
	const struct rules *rules = d->setup.rules;

	if (!rules) /* that was said */
		return FINE;
	if (d->setup.config.kernel_log_all || rules_wants(rules, RULES_KERNEL_LOG)) {
		SAY(f->what, "The kernel's own messages become events");
		return FINE;
	}
	SAY(f->what, "The kernel's own messages become no events: no rule is for them");
	SAY(f->remedy, "`rules: { enable: [kernel] }` in the configuration names those "
		       "that matter; kernel_log.all: true takes all");
	return ADVICE;
}

static bool is_module_loaded(const char *name)
{
	_cleanup_buffer_ struct buffer modules = { 0 };
	char line[LINE_SIZE];

	if (read_file("/proc/modules", SMALL_FILE_MAX, &modules) < 0)
		return false;
	(void)snprintf(line, sizeof(line), "%s ", name);
	for (struct span s = buffer_span(&modules); s.len;) {
		const char *end = memchr(s.data, '\n', s.len);

		if (span_starts_with(s, span_from(line)))
			return true;
		s = end ? span_skip(s, (size_t)(end + 1 - s.data)) : (struct span){ 0 };
	}
	return false;
}

/* Return: 1; 0; -errno: that cannot be seen. */
static int has_open(pid_t pid, const char *wanted)
{
	_cleanup_closedir_ DIR *fds = NULL;
	const struct dirent *entry;
	char path[LINE_SIZE];

	SAY(path, "/proc/%d/fd", (int)pid);
	fds = opendir(path);
	if (!fds)
		return -errno;
	while ((entry = readdir(fds))) {
		char target[LINE_SIZE];
		ssize_t n = readlinkat(dirfd(fds), entry->d_name, target,
				       sizeof(target) - 1);

		target[n > 0 ? n : 0] = '\0';
		if (!strcmp(target, wanted))
			return 1;
	}
	return 0;
}

/* Is there a core that runs, and has not got what the sensor says? */
static bool is_sensor_unread(const struct doctor *d, bool *ret_is_read)
{
	static struct sandbox_row rows[SANDBOX_PAGE_ROWS];
	_cleanup_close_ int fd = open_in_log_folder(d, SANDBOX_PAGE_NAME);
	int n = fd < 0 ? 0 : sandbox_page_read(fd, rows);

	for (int i = 0; i < n; i++) {
		struct process_locks locks;
		int r;

		if (strcmp(rows[i].process, "core") ||
		    process_locks_read(rows[i].pid, &locks) < 0 ||
		    locks.parent != rows[i].locks.parent)
			continue;
		r = has_open(rows[i].pid, "/proc/" LKSM_PROC_NAME);
		*ret_is_read = r > 0;
		return r == 0;
	}
	return false;
}

static enum verdict tell_loaded(const struct doctor *d, struct finding *f)
{
	bool is_read = false, is_unread = d->has_config && is_sensor_unread(d, &is_read);

	SAY(f->what, "The sensor photon_ring is loaded%s",
	    is_read ? ", and the daemon reads it"
		    : (is_unread ? ", and the daemon does not read it" : ""));
	if (is_unread)
		SAY(f->remedy, "`journalctl -u lksm` says why: /proc/" LKSM_PROC_NAME
			       " is for root with CAP_SYSLOG");
	return is_unread ? WRONG : FINE;
}

static enum verdict check_sensor(struct doctor *d, struct finding *f)
{
	if (is_module_loaded("photon_ring"))
		return tell_loaded(d, f);
	SAY(f->what, "%s is not loaded: tampering is not seen as it happens",
	    "The sensor photon_ring");
	if (access("/proc/modules", F_OK) < 0)
		SAY(f->remedy,
		    "this kernel cannot load modules; use one with CONFIG_MODULES");
	else
		SAY(f->remedy, "%s",
		    *paths_checkout()
			    ? "`make -C kernel && insmod kernel/photon_ring.ko` as root"
			    : "install lksm-dkms; where it is, `journalctl -u "
			      "lksm-sensor` "
			      "says why");
	return ADVICE;
}

static enum verdict check_kprobes(struct doctor *d, struct finding *f)
{
	char enabled[LINE_SIZE], ftrace[LINE_SIZE];

	(void)d;
	read_switch("/sys/kernel/debug/kprobes/enabled", enabled);
	read_switch("/proc/sys/kernel/ftrace_enabled", ftrace);
	if (enabled[0] != '0' && ftrace[0] != '0') {
		SAY(f->what, "Nobody has switched kprobes or ftrace off");
		return FINE;
	}
	SAY(f->what, "%s is 0: the sensor's probes are blind",
	    enabled[0] == '0' ? "debugfs kprobes/enabled" : "kernel.ftrace_enabled");
	SAY(f->remedy, "find out who did that, then write 1 to it");
	return WRONG;
}

static enum verdict check_log_folder(struct doctor *d, struct finding *f)
{
	const char *dir = d->setup.config.output_dir;
	struct statvfs fs;
	uint64_t free_bytes;

	if (access(dir, F_OK) < 0 && errno == ENOENT) {
		SAY(f->what, "The log folder %s is not there yet; `lksm run` makes it",
		    dir);
		return FINE;
	}
	if (access(dir, W_OK) < 0 || statvfs(dir, &fs) < 0) {
		SAY(f->what, "The log folder %s cannot be written: %s", dir,
		    strerror(errno));
		SAY(f->remedy, "run as its owner, or choose another with --log-dir");
		return WRONG;
	}
	if (safe_path_is_shared(dir)) {
		SAY(f->what,
		    "Others can write in the log folder %s, or above it: they can take "
		    "the logs and their keys",
		    dir);
		SAY(f->remedy, "make it root's, and chmod 750 it; what is in it, too");
		return WRONG;
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	SAY(f->what, "The log folder %s can be written, %llu MiB are free", dir,
	    (unsigned long long)(free_bytes >> 20));
	if (free_bytes >= SPACE_LOW)
		return FINE;
	SAY(f->remedy, "make room, or set output.retention.size");
	return ADVICE;
}

/* Renewed in time, nobody notices. */
static enum verdict judge_expiry(int64_t expires_s, struct finding *f)
{
	int64_t left_s = expires_s - (int64_t)(clock_now().real_us / USEC_PER_SEC);
	int64_t days = left_s / DAY_SECONDS;

	if (left_s > EXPIRES_SOON_DAYS * DAY_SECONDS) {
		SAY(f->what,
		    "The dashboard's certificate and key match; it is good for %lld days",
		    (long long)days);
		return FINE;
	}
	SAY(f->remedy, "renew it, then have it read: `systemctl reload lksm`, or SIGHUP");
	if (left_s <= 0) {
		SAY(f->what,
		    "The dashboard's certificate has expired: browsers refuse it");
		return WRONG;
	}
	SAY(f->what, "The dashboard's certificate expires in %lld day%s", (long long)days,
	    days == 1 ? "" : "s");
	return ADVICE;
}

static enum verdict check_certificate(const struct config *c, struct finding *f)
{
	_cleanup_tls_pair_ struct tls_pair pair = { 0 };
	_cleanup_buffer_ struct buffer error = { 0 };
	int64_t expires_s = 0;
	int r = tls_pair_read(c->dashboard_certificate, c->dashboard_key, &pair,
			      &expires_s, &error);

	if (r >= 0)
		return judge_expiry(expires_s, f);
	SAY(f->what, "The dashboard's certificate cannot be used: %.*s", (int)error.len,
	    error.len ? error.data : "");
	SAY(f->remedy, "mend dashboard.tls.certificate and dashboard.tls.key, which "
		       "`lksm run` refuses; one that runs keeps what it has");
	return WRONG;
}

static enum verdict check_dashboard(struct doctor *d, struct finding *f)
{
	_cleanup_buffer_ struct buffer error = { 0 };
	const struct config *c = &d->setup.config;

	if (c->dashboard_enabled && mhd_load(&error) < 0) {
		SAY(f->what, "The dashboard cannot run");
		SAY(f->remedy, "%.*s", (int)error.len, error.len ? error.data : "");
		return WRONG;
	}
	if (c->dashboard_enabled &&
	    dashboard_check(c, c->dashboard_listen, &error) == -EINVAL) {
		SAY(f->what, "The dashboard cannot listen");
		SAY(f->remedy, "%.*s", (int)error.len, error.data);
		return WRONG;
	}
	if (c->dashboard_enabled && config_has_tls(c))
		return check_certificate(c, f);
	SAY(f->what, "The dashboard is %s%.80s",
	    c->dashboard_enabled ? "plain HTTP on " : "switched off",
	    c->dashboard_enabled ? c->dashboard_listen : "");
	if (!c->dashboard_enabled || dashboard_is_loopback(c->dashboard_listen))
		return FINE;
	SAY(f->remedy, "others on the way can read it: set dashboard.tls.certificate and "
		       "dashboard.tls.key, or listen on 127.0.0.1");
	return c->dashboard_plain_http ? ADVICE : WRONG;
}

static enum verdict check_seals(struct doctor *d, struct finding *f)
{
	_cleanup_close_ int fd = open_in_log_folder(d, SEAL_FILE_NAME);
	struct seal_key key;
	bool is_shown;

	if (fd < 0 && fd != -ENOENT) {
		SAY(f->what, "The key of the log's seals cannot be read: %s",
		    strerror(-fd));
		SAY(f->remedy, "try as root");
		return ADVICE;
	}
	if (fd < 0 || seal_file_load(fd, &key) < 0) {
		SAY(f->what, "The logs are not sealed yet");
		return FINE;
	}
	is_shown = key.is_shown;
	seal_key_wipe(&key);
	if (is_shown) {
		SAY(f->what,
		    "The logs are sealed, and somebody has the key to verify them");
		return FINE;
	}
	SAY(f->what, "The logs are sealed, but nobody has the key to verify them");
	SAY(f->remedy, "`lksm keys` makes it; keep it elsewhere");
	return ADVICE;
}

static enum verdict check_daemon(struct doctor *d, struct finding *f)
{
	_cleanup_close_ int fd = open_in_log_folder(d, ".lock");
	char pid[LINE_SIZE];

	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0) {
		read_line(fd, pid);
		SAY(f->what, "The daemon is running (pid %.20s)", pid);
		return FINE;
	}
	SAY(f->what, "The daemon is not running on this log folder");
	SAY(f->remedy, "`lksm run`, or script/run in a checkout");
	return ADVICE;
}

static enum verdict check_alerts(struct doctor *d, struct finding *f)
{
	if (!d->setup.config.n_alert_options) {
		SAY(f->what, "No receivers of alerts are configured");
		return FINE;
	}
	if (setup_check_alerts(&d->setup.config) < 0) {
		SAY(f->what, "Not all receivers of alerts can be told (above)");
		SAY(f->remedy, "mend what is named above, then restart who sends");
		return WRONG;
	}
	if (alerts_are_sent(&d->setup.config) == 0) {
		SAY(f->what, "Nobody tells the receivers of alerts");
		SAY(f->remedy, "`systemctl enable --now lksm-alerts`; without it, `lksm "
			       "run` does, but if alerts.enabled is false");
		return ADVICE;
	}
	SAY(f->what, "The receivers of alerts are told; `lksm alert test` tries them");
	return FINE;
}

static void append(char text[static LINE_SIZE], const char *word)
{
	size_t n = strlen(text);

	(void)snprintf(text + n, LINE_SIZE - n, "%s%s", n ? ", " : "", word);
}

#define CAPABILITY_NAMES_MAX 8

/* By their names, as in capabilities(7), if they are few. */
static void name_capabilities(uint64_t set, char ret[static LINE_SIZE])
{
	int n = __builtin_popcountll(set);

	SAY(ret, n ? "" : "no capability");
	if (n > CAPABILITY_NAMES_MAX)
		SAY(ret, "%d capabilities", n);
	for (unsigned int i = 0; n <= CAPABILITY_NAMES_MAX && i < 64; i++) {
		const char *name = capng_capability_to_name(i);

		if (set >> i & 1)
			append(ret, name ? name : "an unknown capability");
	}
}

/* What the kernel says of the process, and what the process said of Landlock. */
static enum verdict judge_process(const struct sandbox_row *row, struct finding *f)
{
	const struct process_locks *l = &row->locks;
	bool is_apart = !strcmp(row->process, "core") || !strcmp(row->process, "web") ||
			!strcmp(row->process, "history");
	char locks[LINE_SIZE] = "", lacks[LINE_SIZE] = "", landlock[32],
	     powers[LINE_SIZE];

	(void)snprintf(landlock, sizeof(landlock), "Landlock %d", row->landlock);
	append(l->seccomp == 2 && row->filter > 0 ? locks : lacks, "seccomp");
	append(l->no_new_privs ? locks : lacks, "no new privileges");
	if (is_apart && l->uid == 0)
		append(lacks, "a user of its own");
	if (is_apart && l->capabilities)
		append(lacks, "the loss of its capabilities");
	if (row->landlock)
		append(row->landlock > 0 ? locks : lacks,
		       row->landlock > 0 ? landlock : "Landlock");
	name_capabilities(l->capabilities, powers);
	SAY(f->what, "Process %s (pid %d, user %u, %.150s) is behind %.200s",
	    row->process, row->pid, l->uid, powers, locks[0] ? locks : "no locks");
	if (!lacks[0])
		return FINE;
	SAY(f->remedy,
	    "it lacks %.200s: this kernel or container has none; a newer kernel, or "
	    "lsm=…,landlock on its command line, has",
	    lacks);
	return ADVICE;
}

static enum verdict check_kernel(struct doctor *d, struct finding *f)
{
	struct utsname u;
	char path[LINE_SIZE];

	(void)d;
	if (uname(&u) < 0)
		return FINE;
	SAY(path, "/lib/modules/%.80s/build", u.release);
	if (access("/proc/modules", F_OK) < 0) {
		SAY(f->what,
		    "This kernel (%.80s) takes no modules: no headers are needed",
		    u.release);
		return FINE;
	}
	if (access(path, F_OK) == 0) {
		SAY(f->what, "The headers of this kernel (%.80s) are installed",
		    u.release);
		return FINE;
	}
	SAY(f->what, "The headers of this kernel (%.80s) are not installed", u.release);
	SAY(f->remedy, "to build the sensor: apt-get install linux-headers-%.80s",
	    u.release);
	return ADVICE;
}

static const struct check {
	enum verdict (*look)(struct doctor *d, struct finding *f);
	bool needs_config;
} checks[] = {
	{ check_config, false },    { check_rules, true },
	{ check_kernel_log, true }, { check_kernel_rules, true },
	{ check_sensor, false },    { check_kprobes, false },
	{ check_kernel, false },    { check_log_folder, true },
	{ check_seals, true },	    { check_dashboard, true },
	{ check_daemon, true },	    { check_alerts, true },
};

/* Nothing for what there is nothing to say of. */
static void print(enum verdict verdict, const struct finding *f, bool has_colour)
{
	static const struct {
		const char *word, *colour;
	} looks[] = {
		[FINE] = { "ok  ", "\033[32m" },
		[ADVICE] = { "note", "\033[33m" },
		[WRONG] = { "NO  ", "\033[1;31m" },
	};

	if (!f->what[0])
		return;
	printf("%s%s%s  %s\n", has_colour ? looks[verdict].colour : "",
	       looks[verdict].word, has_colour ? "\033[0m" : "", f->what);
	if (f->remedy[0])
		printf("      → %s\n", f->remedy);
}

/* One line for each process of the daemon. A row outlives its process: it must be the same. */
static enum verdict tell_processes(const struct doctor *d, bool has_colour)
{
	static struct sandbox_row rows[SANDBOX_PAGE_ROWS];
	_cleanup_close_ int fd = open_in_log_folder(d, SANDBOX_PAGE_NAME);
	enum verdict worst = FINE;
	int n;

	n = fd < 0 ? 0 : sandbox_page_read(fd, rows);
	for (int i = 0; i < n; i++) {
		int32_t parent = rows[i].locks.parent;
		struct finding f = { 0 };
		enum verdict verdict;

		if (process_locks_read(rows[i].pid, &rows[i].locks) < 0 ||
		    rows[i].locks.parent != parent ||
		    !is_snake_case(span_from(rows[i].process), SANDBOX_PROCESS_SIZE - 1))
			continue;
		verdict = judge_process(&rows[i], &f);
		print(verdict, &f, has_colour);
		worst = verdict > worst ? verdict : worst;
	}
	return worst;
}

static int doctor_run(int argc, char **argv)
{
	struct doctor d = { 0 };
	const char *value = NULL, *no_colour = getenv("NO_COLOR");
	bool has_colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour);
	enum verdict worst = FINE;

	while (verb_next_option(&verb_doctor, argc, argv, &value) >= 0)
		d.config_path = value;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct finding f = { 0 };
		enum verdict verdict;

		if (checks[i].needs_config && !d.has_config)
			continue;
		verdict = checks[i].look(&d, &f);
		print(verdict, &f, has_colour);
		worst = verdict > worst ? verdict : worst;
	}
	if (d.has_config && tell_processes(&d, has_colour) > worst)
		worst = ADVICE;
	setup_deinit(&d.setup);
	return worst == WRONG ? EXIT_NOTHING : EXIT_DONE;
}

static const struct verb_option options[] = {
	{ "config", 'c', "FILE", "Look at this configuration" },
	{ 0 },
};

const struct verb verb_doctor = {
	.name = "doctor",
	.arguments = "",
	.summary = "Say what is and isn't in place, and what to do about it",
	.detail = "Exit code 1 means that something is wrong; a note is only advice.",
	.options = options,
	.run = doctor_run,
};
