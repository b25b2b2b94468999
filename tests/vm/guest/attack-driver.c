// SPDX-License-Identifier: Apache-2.0
/*
 * attack-driver TABLE SECTION: does what a section of a table says, row by row (the form
 * is explained at the top of attacks/table), and keeps the sensor's records meanwhile.
 *
 * A row is over as soon as each of its events came, or the time for them has passed; then
 * what it did is undone, and a scan makes the sensor say at once what is left to say. The
 * host judges. What it gets, in /out/rows:
 *
 *	== kprobe
 *	seq=17 ts=12.345678 type=kprobe_registered ...
 *	-- undo
 *	seq=18 ...
 *	-- end do=0 undo=0 waited_ms=210 scan=yes
 *
 * From the kernel's command line: rows=PATTERN does those only; whole=yes the slow ones too;
 * wait=SECONDS.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH	      "/proc/lksm"
#define LOG	      "/tmp/crossview" /* events of user space, as JSON lines */
#define WAIT_S	      150 /* crossview looks each minute; the host judges the time */
#define WANTS_MAX     8
#define SIZE_MAX_READ 20000

struct row {
	char id[64];
	char kernels[64];
	char commands[1024];
	char undo[1024];
	char want[WANTS_MAX][512];
	bool is_seen[WANTS_MAX];
	int n_wants;
};

static FILE *out, *complaints;
static int records = -1;
static FILE *log_file;
static char series[16], rows[64] = "*";
static int wait_s = WAIT_S;
static bool is_whole;

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* a|b|c, each of them a pattern of fnmatch(3) */
static bool matches(const char *alternatives, const char *value)
{
	char copy[512], *rest = copy, *one;

	snprintf(copy, sizeof(copy), "%s", alternatives);
	while ((one = strsep(&rest, "|"))) {
		if (!fnmatch(one, value, 0))
			return true;
	}
	return false;
}

/* Return: whether the line has that key; its value without quotes goes to @to */
static bool find_value(const char *line, const char *key, char *to, size_t size)
{
	char head[64];
	const char *at;
	size_t n;

	snprintf(head, sizeof(head), " %s=", key);
	at = strstr(line, head);
	if (!at)
		return false;
	at += strlen(head);
	n = *at == '"' ? strcspn(++at, "\"") : strcspn(at, " \n");
	snprintf(to, size, "%.*s", (int)n, at);
	return true;
}

static bool has(const char *line, const char *key, const char *wanted)
{
	char value[512];

	return find_value(line, key, value, sizeof(value)) && matches(wanted, value);
}

/* @want: WITHIN TYPE SEVERITY [KEY=PATTERN...] */
static bool is_wanted(const char *line, const char *want)
{
	char copy[512], *rest = copy, *word, *equals;
	int n = 0;

	snprintf(copy, sizeof(copy), "%s", want);
	while ((word = strsep(&rest, " "))) {
		if (++n == 1)
			continue;
		equals = strchr(word, '=');
		if (n == 2 && !has(line, "type", word))
			return false;
		if (n == 3 && !has(line, "severity", word))
			return false;
		if (n > 3 && equals)
			*equals = '\0';
		if (n > 3 && equals && !has(line, word, equals + 1))
			return false;
	}
	return true;
}

static void take_line(struct row *row, const char *line)
{
	int i;

	if (!strncmp(line, "lksm_version=", 13))
		return;
	fprintf(out, "%s\n", line);
	for (i = 0; row && i < row->n_wants; i++) {
		if (!row->is_seen[i])
			row->is_seen[i] = is_wanted(line, row->want[i]);
	}
}

/*
 * {"ts": 1.5, "type": "x", "data": {"pid": 7}, "severity": "high"} -> seq=log ts=1.5 type=x
 * pid=7 severity=high. The braces and commas only separate.
 */
static void flatten(const char *json, char *to, size_t size)
{
	size_t n = (size_t)snprintf(to, size, "seq=log"), length;
	bool is_text, is_key;

	while (*(json += strspn(json, "{}, :\n")) && n < size) {
		is_text = *json == '"';
		json += is_text;
		length = strcspn(json, is_text ? "\"" : ",} \n");
		is_key = is_text && json[length + 1] == ':';
		/* "data" is a key without a value of its own. */
		if (!is_key || strncmp(json, "data\": {", 8) != 0)
			n += (size_t)snprintf(to + n, size - n,
					      is_key	? " %.*s="
					      : is_text ? "\"%.*s\""
							: "%.*s",
					      (int)length, json);
		json += length + is_text;
	}
}

static void take_log(struct row *row)
{
	char json[4096], line[4096];

	if (!log_file)
		log_file = fopen(LOG, "re");
	while (log_file && fgets(json, sizeof(json), log_file)) {
		flatten(json, line, sizeof(line));
		take_line(row, line);
	}
	if (log_file)
		clearerr(log_file);
}

static void open_records(void)
{
	records = open(PATH, O_RDONLY | O_CLOEXEC);
	if (records >= 0)
		(void)lseek(records, 0, SEEK_END);
}

/* The sensor may go, which is an attack too. */
static void take_records(struct row *row)
{
	static char text[SIZE_MAX_READ + 1];
	char *rest, *line;
	ssize_t n;

	take_log(row);
	while (records >= 0 && (n = read(records, text, SIZE_MAX_READ)) != 0) {
		if (n < 0) {
			close(records);
			records = -1;
			return;
		}
		text[n] = '\0';
		rest = text;
		while ((line = strsep(&rest, "\n")) && rest)
			take_line(row, line);
	}
}

static bool is_done(const struct row *row)
{
	int i;

	for (i = 0; i < row->n_wants; i++) {
		if (!row->is_seen[i])
			return false;
	}
	return true;
}

static void wait_for_events(struct row *row, double deadline_ms)
{
	struct pollfd poll_one = { .fd = records, .events = POLLIN };

	take_records(row);
	while (!is_done(row) && (records >= 0 || log_file) && now_ms() < deadline_ms) {
		(void)poll(&poll_one, 1, 100);
		take_records(row);
	}
}

/* In one write(2): each is a line of its own. */
static void mark(const char *what, const char *id)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	char text[128];
	int n = snprintf(text, sizeof(text), "<6>vm: %s %s:", what, id);

	if (fd < 0 || write(fd, text, (size_t)n) != n)
		fprintf(complaints, "%s: no mark in the kernel log\n", id);
	if (fd >= 0)
		close(fd);
}

/* Reads on meanwhile: what the sensor says before it goes is there for a moment only. */
static int wait_for_child(struct row *row, pid_t child)
{
	struct pollfd poll_one = { .events = POLLIN };
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		poll_one.fd = records;
		(void)poll(&poll_one, 1, 10);
		take_records(row);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(struct row *row, const char *commands)
{
	pid_t child;
	int status;

	if (!*commands)
		return 0;
	child = fork();
	if (child == 0) {
		execl("/bin/sh", "sh", "-c", commands, NULL);
		_exit(127);
	}
	status = child < 0 ? 127 : wait_for_child(row, child);
	if (status)
		fprintf(complaints, "%s: status %d: %s\n", row->id, status, commands);
	fflush(complaints);
	return status;
}

/* Return: whether the sensor knows the word */
static bool scan(void)
{
	int fd = open(PATH, O_WRONLY | O_CLOEXEC);
	bool is_known = fd >= 0 && write(fd, "scan\n", 5) == 5;

	if (fd >= 0)
		close(fd);
	return is_known;
}

static void do_row(struct row *row)
{
	int done, undone;
	double start_ms;
	bool is_known;

	if (records < 0)
		open_records();
	take_records(NULL);
	fprintf(out, "== %s\n", row->id);
	mark("row", row->id);
	start_ms = now_ms();
	done = run(row, row->commands);
	if (!row->n_wants)
		(void)scan();
	if (!done)
		wait_for_events(row, now_ms() + wait_s * 1e3);
	start_ms = now_ms() - start_ms;
	fprintf(out, "-- undo\n");
	mark("undo", row->id);
	undone = run(row, row->undo);
	is_known = scan();
	take_records(NULL);
	fprintf(out, "-- end do=%d undo=%d waited_ms=%.0f scan=%s\n", done, undone,
		start_ms, is_known ? "yes" : "no");
	fflush(out);
}

static bool is_for_us(const struct row *row)
{
	char words[80];
	bool is_found = false;

	if (fnmatch(rows, row->id, 0))
		return false;
	snprintf(words, sizeof(words), "%s", row->kernels);
	for (char *rest = words, *word; (word = strsep(&rest, " "));) {
		if (!strcmp(word, "slow") && !is_whole)
			return false;
		if (!strcmp(word, "all") || !strcmp(word, series))
			is_found = true;
	}
	return is_found;
}

static void finish_row(struct row *row)
{
	if (row->id[0] && is_for_us(row))
		do_row(row);
	memset(row, 0, sizeof(*row));
}

/* "== ID | KERNELS | TITLE" */
static void begin_row(struct row *row, char *line)
{
	char *id = strsep(&line, "|"), *kernels = strsep(&line, "|");

	if (sscanf(id, "== %63s", row->id) != 1 || !kernels ||
	    sscanf(kernels, " %63[^\n]", row->kernels) != 1)
		exit(2);
	for (size_t n = strlen(row->kernels); n && row->kernels[n - 1] == ' ';)
		row->kernels[--n] = '\0';
}

static void take_row_line(struct row *row, char *line)
{
	char *word = strsep(&line, " ");

	if (!line)
		return;
	if (!strcmp(word, "do"))
		snprintf(row->commands, sizeof(row->commands), "%s", line);
	else if (!strcmp(word, "undo"))
		snprintf(row->undo, sizeof(row->undo), "%s", line);
	else if (!strcmp(word, "want") && row->n_wants < WANTS_MAX)
		snprintf(row->want[row->n_wants++], sizeof(row->want[0]), "%s", line);
}

static int do_section(const char *path, const char *section)
{
	FILE *table = fopen(path, "re");
	bool is_ours = false;
	struct row row = { 0 };
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	if (!table)
		return 1;
	while ((n = getline(&line, &size, table)) > 0) {
		line[n - 1] = '\0';
		if (line[0] == '[') {
			finish_row(&row);
			is_ours = !strncmp(line + 1, section, strlen(section)) &&
				  line[1 + strlen(section)] == ']';
		} else if (is_ours && !strncmp(line, "== ", 3)) {
			finish_row(&row);
			begin_row(&row, line);
		} else if (is_ours && line[0] != '#') {
			take_row_line(&row, line);
		}
	}
	finish_row(&row);
	free(line);
	fclose(table);
	return 0;
}

/* What the commands of the table may use: $K, for the attacks' parameter. */
static void set_kallsyms(void)
{
	char line[512], parameter[64];
	unsigned long long address;
	FILE *symbols = fopen("/proc/kallsyms", "re");

	while (symbols && fgets(line, sizeof(line), symbols)) {
		if (!strstr(line, " kallsyms_lookup_name\n"))
			continue;
		address = strtoull(line, NULL, 16);
		snprintf(parameter, sizeof(parameter), "kallsyms=0x%llx", address);
		setenv("K", parameter, 1);
	}
	if (symbols)
		fclose(symbols);
}

static void read_command_line(void)
{
	char line[2048] = "", *at;
	FILE *file = fopen("/proc/cmdline", "re");

	if (!file || !fgets(line, sizeof(line), file))
		exit(1);
	fclose(file);
	if ((at = strstr(line, " series=")))
		sscanf(at, " series=%15s", series);
	if ((at = strstr(line, " rows=")))
		sscanf(at, " rows=%63s", rows);
	is_whole = strstr(line, " whole=yes") != NULL;
	if ((at = strstr(line, " wait=")))
		sscanf(at, " wait=%d", &wait_s);
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fprintf(stderr, "usage: attack-driver TABLE SECTION\n");
		return 2;
	}
	out = fopen("/out/rows", "we");
	complaints = fdopen(dup(STDOUT_FILENO), "we");
	if (!out || !complaints || !freopen("/out/commands", "w", stdout) ||
	    dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return 1;
	read_command_line();
	set_kallsyms();
	return do_section(argv[1], argv[2]);
}
