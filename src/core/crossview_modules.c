// SPDX-License-Identifier: Apache-2.0
/* See crossview_modules.h. */
#include "core/crossview_modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "core/folder.h"

#define MODULES_MAX 16384
#define TEXT_MAX    ((size_t)64 << 20)
#define CHUNK	    ((size_t)64 << 10)

/* More than elsewhere: someone may load and unload all the time, and symbols take long. */
#define LOOKS (2 * CROSSVIEW_LOOKS)

static const struct {
	enum module_view view;
	const char *name;
} views[] = {
	{ MODULES_PROC, "proc_modules" },
	{ MODULES_SYSFS, "sysfs" },
	{ MODULES_KALLSYMS, "kallsyms" },
};

void module_list_deinit(struct module_list *l)
{
	free(l->items);
	*l = (struct module_list){ 0 };
}

static struct module_seen *find(const struct module_list *l, struct span name)
{
	for (size_t i = l->n; i > 0; i--) { /* the last one is asked about most */
		struct module_seen *m = &l->items[i - 1];

		if (span_equal((struct span){ m->name, m->len }, name))
			return m;
	}
	return NULL;
}

static struct module_seen *add(struct module_list *l, struct span name)
{
	size_t capacity = l->capacity ? 2 * l->capacity : 128;
	struct module_seen *items, *m;

	if (l->n == l->capacity) {
		items = reallocarray(l->items, capacity, sizeof(*items));
		if (!items)
			return NULL;
		l->items = items;
		l->capacity = capacity;
	}
	m = &l->items[l->n++];
	*m = (struct module_seen){ .len = name.len };
	memcpy(m->name, name.data, name.len);
	return m;
}

int modules_note(struct module_list *l, struct span name, enum module_view view,
		 bool is_live)
{
	struct module_seen *m;

	if (!name.len || name.len > MODULE_NAME_MAX || l->n == MODULES_MAX)
		return -EINVAL;
	m = find(l, name);
	if (!m)
		m = add(l, name);
	if (!m)
		return -ENOMEM;
	m->views |= view;
	m->n_live += is_live;
	return 0;
}

/* nf_tables 372736 84 nft_compat,nft_chain_nat, Live 0xffffffffc0a00000 (E) */
int modules_parse_proc(struct span text, struct module_list *ret)
{
	struct span line, name, word = { NULL, 0 };

	while (crossview_line(&text, &line)) {
		int r;

		if (!crossview_word(&line, &name))
			return -EBADMSG;
		for (int i = 0; i < 4; i++)
			if (!crossview_word(&line, &word))
				return -EBADMSG;
		r = modules_note(ret, name, MODULES_PROC, span_equal(word, SPAN("Live")));
		if (r < 0)
			return r == -ENOMEM ? r : -EBADMSG;
	}
	return 0;
}

/* Names of what is no module: BPF programs, trampolines of ftrace and kprobes. */
static bool is_pseudo(struct span name)
{
	return span_equal(name, SPAN("bpf")) || span_starts_with(name, SPAN("__builtin"));
}

/* 0000000000000000 t nft_do_chain	[nf_tables] */
int modules_parse_kallsyms(struct span text, struct module_list *ret)
{
	struct span line;

	while (crossview_line(&text, &line)) {
		const char *open;
		struct span name;
		int r;

		if (!line.len || line.data[line.len - 1] != ']')
			continue;
		open = memrchr(line.data, '[', line.len);
		if (!open)
			continue;
		name = (struct span){ open + 1,
				      (size_t)(line.data + line.len - 1 - (open + 1)) };
		r = is_pseudo(name) ? 0
				    : modules_note(ret, name, MODULES_KALLSYMS, false);
		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

static int read_all(int folder, const char *path, struct buffer *ret)
{
	_cleanup_close_ int fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	char *to;

	if (fd < 0)
		return -errno;
	while ((to = buffer_reserve(ret, CHUNK)) && (n = read(fd, to, CHUNK)) > 0)
		ret->len += (size_t)n;
	if (!to)
		return buffer_error(ret);
	return n < 0 ? -errno : 0;
}

static int read_text(int folder, const char *path, struct module_list *l,
		     int (*parse)(struct span text, struct module_list *ret))
{
	_cleanup_buffer_ struct buffer text = { .limit = TEXT_MAX };
	int r = read_all(folder, path, &text);

	return r < 0 ? r : parse(buffer_span(&text), l);
}

struct sysfs {
	int folder;
	struct module_list *list;
};

/* Parameters of what is built in have a folder, too, but no initstate. */
static int take_folder(void *context, const struct folder_record *record)
{
	struct sysfs *s = context;
	char path[MODULE_NAME_MAX + 32];

	if (record->name.len > MODULE_NAME_MAX || record->name.data[0] == '.')
		return 0;
	(void)snprintf(path, sizeof(path), "%s/initstate", record->name.data);
	if (faccessat(s->folder, path, F_OK, 0) < 0)
		return 0;
	return modules_note(s->list, record->name, MODULES_SYSFS, false);
}

static int read_sysfs(int sys, struct module_list *l)
{
	_cleanup_close_ int fd = openat(sys, "module",
					O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sysfs s = { fd, l };
	struct folder_end end;

	return fd < 0 ? -errno
		      : folder_walk(fd, &folder_calls_kernel, take_folder, &s, &end);
}

/* The list is read before and after the others: what it never shows was never there. */
static int read_views(const struct module_places *places, struct module_list *l,
		      unsigned int *ret_views)
{
	int r = read_text(places->proc, "modules", l, modules_parse_proc);

	*ret_views = MODULES_PROC;
	if (r < 0)
		return r;
	if (read_sysfs(places->sys, l) == 0)
		*ret_views |= MODULES_SYSFS;
	if (places->has_symbols &&
	    read_text(places->proc, "kallsyms", l, modules_parse_kallsyms) == 0)
		*ret_views |= MODULES_KALLSYMS;
	return read_text(places->proc, "modules", l, modules_parse_proc);
}

/*
 * On its way in, a module is in the list before it is in sysfs; on its way out, it leaves
 * sysfs before the list. So what is only in the list must be live in both readings. A module may
 * have no symbols: that it is missing in kallsyms says nothing.
 */
static bool is_hidden(const struct module_seen *m, unsigned int read)
{
	if (!(m->views & MODULES_PROC))
		return true;
	return read & MODULES_SYSFS && !(m->views & MODULES_SYSFS) && m->n_live == 2;
}

static void keep_hidden(struct module_list *l, unsigned int read)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		if (is_hidden(&l->items[i], read))
			l->items[n++] = l->items[i];
	l->n = n;
}

/* Hidden now, and in the same views as before. */
static void keep_common(struct module_list *l, const struct module_list *again)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct module_seen *m = &l->items[i];
		const struct module_seen *other = find(again,
						       (struct span){ m->name, m->len });

		if (other && other->views == m->views)
			l->items[n++] = *m;
	}
	l->n = n;
}

static int look(const struct module_places *places, struct module_list *ret,
		unsigned int *ret_views)
{
	int r = read_views(places, ret, ret_views);

	keep_hidden(ret, *ret_views);
	return r;
}

static void add_views(struct finding *f, const char *key, unsigned int which)
{
	char text[64] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (which & views[i].view)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s",
					      n ? "," : "", views[i].name);
	finding_add_text(f, key, (struct span){ text, n });
}

static void tell(const struct module_seen *m, unsigned int read, struct findings *out)
{
	struct finding *f = findings_add(out, "module_hidden");

	if (!f)
		return;
	finding_identify(f, m->name, m->len);
	finding_add_text(f, "module", (struct span){ m->name, m->len });
	add_views(f, "missing", read & ~m->views);
	add_views(f, "seen", m->views);
}

int modules_compare(const struct module_places *places, struct findings *out)
{
	_cleanup_(module_list_deinit) struct module_list first = { 0 };
	unsigned int read = 0;
	int r = look(places, &first, &read);

	for (int i = 1; i < LOOKS && r == 0 && first.n; i++) {
		_cleanup_(module_list_deinit) struct module_list again = { 0 };

		places->pause();
		r = look(places, &again, &read);
		keep_common(&first, &again);
	}
	for (size_t i = 0; r == 0 && i < first.n; i++)
		tell(&first.items[i], read, out);
	return r;
}
