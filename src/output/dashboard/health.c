// SPDX-License-Identifier: Apache-2.0
/*
 * GET /healthz: is the writer alive, and can it write? Needs no token, so it tells nothing
 * about the events.
 *
 *	{"status": "ok", "writer": "running", "version": "0.1.0", "uptime_s": 12,
 *	"events": 7, "last_event_age_s": 3, "sandbox": {"core": {"uid": 65521,
 *	"capabilities": 0, "no_new_privs": true, "seccomp": true, "landlock": 6}, …}}
 */
#include <errno.h>
#include <signal.h>

#include "core/event.h"
#include "output/dashboard/server.h"

static bool is_blocked(const struct counters *c)
{
	struct counters_values v;

	if (!c)
		return false;
	counters_get(c, &v);
	return v.is_blocked;
}

const char *health_writer(const struct dashboard_options *options,
			  const struct live_health *health)
{
	switch (health->state) {
	case LIVE_STARTING:
		return "starting";
	case LIVE_STOPPED:
		return "stopped";
	case LIVE_RUNNING:
		break;
	}
	/* Killed, and nobody has said so yet. EPERM is a process, if not one of our
	 * user's. */
	if (health->writer <= 0 || (kill(health->writer, 0) < 0 && errno == ESRCH))
		return "dead";
	return is_blocked(options->counters) ? "blocked" : "running";
}

bool health_is_up(const struct dashboard_options *options)
{
	struct live_health health;

	live_get_health(options->ring, &health);
	return !strcmp(health_writer(options, &health), "running");
}

static uint64_t seconds_since(uint64_t then_us, uint64_t now_us)
{
	return now_us > then_us ? (now_us - then_us) / USEC_PER_SEC : 0;
}

uint64_t health_uptime_s(const struct live_health *health)
{
	return health->started_mono_us
		       ? seconds_since(health->started_mono_us, clock_now().mono_us)
		       : 0;
}

static void append_sandbox(const struct sandbox_row *row, struct buffer *out)
{
	json_append_string(out, span_from(row->process));
	buffer_appendf(out,
		       ": {\"uid\": %u, \"capabilities\": %llu, \"no_new_privs\": %s, "
		       "\"seccomp\": %s, \"landlock\": %d}",
		       row->locks.uid, (unsigned long long)row->locks.capabilities,
		       row->locks.no_new_privs ? "true" : "false",
		       row->locks.seccomp && row->filter > 0 ? "true" : "false",
		       row->landlock > 0 ? row->landlock : 0);
}

static void append_sandboxes(const struct sandbox_page *page, struct buffer *out)
{
	struct sandbox_row row;
	const char *before = "";

	buffer_append_literal(out, ", \"sandbox\": {");
	for (size_t i = 0; i < SANDBOX_PAGE_ROWS; i++) {
		if (!sandbox_page_row(page, i, &row))
			continue;
		buffer_appendf(out, "%s", before);
		append_sandbox(&row, out);
		before = ", ";
	}
	buffer_append_literal(out, "}");
}

unsigned int health_append(const struct dashboard_options *options, struct buffer *out)
{
	uint64_t now_us = clock_now().mono_us;
	struct live_health health;
	const char *writer;
	bool is_ok;

	live_get_health(options->ring, &health);
	writer = health_writer(options, &health);
	is_ok = !strcmp(writer, "running");
	buffer_appendf(out, "{\"status\": \"%s\", \"writer\": \"%s\", \"version\": ",
		       is_ok ? "ok" : "failing", writer);
	json_append_string(out, span_from(health.version));
	buffer_append_literal(out, ", \"uptime_s\": ");
	buffer_append_u64(out, health_uptime_s(&health));
	buffer_append_literal(out, ", \"events\": ");
	buffer_append_u64(out, health.events_total);
	if (health.last_push_mono_us) {
		buffer_append_literal(out, ", \"last_event_age_s\": ");
		buffer_append_u64(out, seconds_since(health.last_push_mono_us, now_us));
	}
	append_sandboxes(options->sandboxes, out);
	buffer_append_literal(out, "}\n");
	return is_ok ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE;
}
