// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entries of /proc and /proc/net, from which inodes are made anew at each look-up:
 * whoever changes an entry's pointers need not touch any table or inode that is there. A
 * key is made of the folder, the entry's name and which of its pointers, so that an entry
 * that takes the place of another one of that name shows; a value is the pointer.
 *
 * struct proc_dir_entry is private to fs/proc. Where in it things are is found out at start,
 * with entries of our own whose contents we know. If one is not found, or is found twice,
 * there is no such guard.
 */
#include "guard.h"

#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/proc_fs.h>
#include <linux/rbtree.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/stringhash.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>

#include "guards.h"
#include "table_report.h"

#define ENTRY_SIZE_MAX 256
#define ENTRIES_MAX    1024
#define DEPTH_MAX      64
#define NAME_SIZE      32
/* guard_member_key() keeps the number of a list from here on */
#define LIST_SHIFT   56
#define PROBE_FOLDER "lksm-layout"
#define PROBE_FILE   "lksm-a"
#define PROBE_LIST   "lksm-b"

enum folder {
	ROOT,
	NET,
	FOLDER_COUNT
};

static const char *const folder_names[FOLDER_COUNT] = {
	[ROOT] = "/proc", [NET] = "/proc/net"
};

enum field {
	OPS,
	SEQ_OPS,
	IOPS,
	FIELD_COUNT
};

static const struct {
	const char *name;
	enum table_type type;
} fields[FIELD_COUNT] = {
	[OPS] = { "proc_ops", TABLE_PROC },
	[SEQ_OPS] = { "seq_ops", TABLE_SEQ },
	[IOPS] = { "proc_iops", TABLE_INODE },
};

/* Entries that are the kernel's, so that one that is a module's is no honest one. */
static const char *const names_of_root[] = {
	"modules", "kallsyms",	 "kmsg",       "kcore",	      "cpuinfo",
	"meminfo", "stat",	 "uptime",     "loadavg",     "version",
	"cmdline", "interrupts", "iomem",      "vmallocinfo", "slabinfo",
	"swaps",   "devices",	 "partitions", "filesystems", "softirqs",
	"vmstat",  "diskstats",	 "locks",      "consoles",    "crypto",
	"keys",	   "key-users",	 "timer_list", "schedstat",
};

static const char *const names_of_net[] = {
	"tcp",	    "tcp6",	"udp",	      "udp6",	   "udplite", "udplite6",
	"raw",	    "raw6",	"icmp",	      "icmp6",	   "packet",  "unix",
	"netlink",  "dev",	"arp",	      "route",	   "igmp",    "igmp6",
	"ptype",    "sockstat", "sockstat6",  "protocols", "snmp",    "netstat",
	"fib_trie", "if_inet6", "ipv6_route",
};

enum {
	PROC_ROOT,
	PROC_SUBDIR_LOCK,
	PROC_SINGLE_OPS,
	PROC_NET_SINGLE_OPS,
	PROC_FILE_INODE_OPERATIONS,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[PROC_ROOT] = { .name = "proc_root" },
	[PROC_SUBDIR_LOCK] = { .name = "proc_subdir_lock" },
	[PROC_SINGLE_OPS] = { .name = "proc_single_ops" },
	[PROC_NET_SINGLE_OPS] = { .name = "proc_net_single_ops" },
	[PROC_FILE_INODE_OPERATIONS] = { .name = "proc_file_inode_operations" },
};

/* offsets in an entry */
static struct {
	size_t size;
	size_t field[FIELD_COUNT];
	size_t parent;
	size_t name;
	size_t subdir;
	size_t node;
} layout;

static int probe_show(struct seq_file *file, void *unused)
{
	return 0;
}

static void *probe_start(struct seq_file *file, loff_t *position)
{
	return NULL;
}

static void *probe_next(struct seq_file *file, void *at, loff_t *position)
{
	return NULL;
}

static void probe_stop(struct seq_file *file, void *at)
{
}

static const struct seq_operations probe_seq_ops = {
	.start = probe_start,
	.next = probe_next,
	.stop = probe_stop,
	.show = probe_show,
};

static const struct proc_ops probe_ops = {
	.proc_lseek = noop_llseek,
};

/* Finds the only word in @entry within @size bytes behind @value. */
static bool find_word(const void *entry, unsigned long value, size_t size, size_t *ret)
{
	size_t offset, n = 0;

	for (offset = 0; offset < layout.size; offset += sizeof(long)) {
		if (guard_read(entry + offset) - value >= size)
			continue;
		*ret = offset;
		n++;
	}
	return value && n == 1;
}

/* A short name stands in the entry itself, behind all else, and so tells the size. */
static bool find_name(const void *entry, const char *name)
{
	char text[NAME_SIZE];
	unsigned long at;

	for (layout.name = 0; layout.name < ENTRY_SIZE_MAX; layout.name += sizeof(long)) {
		at = guard_read(entry + layout.name);
		layout.size = at - (unsigned long)entry;
		if (layout.size <= layout.name || layout.size >= ENTRY_SIZE_MAX)
			continue;
		emit_copy(text, sizeof(text), (void *)at);
		if (!strcmp(text, name))
			return true;
	}
	return false;
}

static bool find_layout_of_file(const struct proc_dir_entry *folder,
				const struct proc_dir_entry *file)
{
	const struct rb_node *node;

	if (!find_name(file, PROBE_FILE) ||
	    !find_word(file, (unsigned long)&probe_ops, 1, &layout.field[OPS]) ||
	    !find_word(file, wanted[PROC_FILE_INODE_OPERATIONS].address, 1,
		       &layout.field[IOPS]) ||
	    !find_word(file, (unsigned long)folder, 1, &layout.parent) ||
	    !find_word(folder, (unsigned long)file, layout.size, &layout.subdir))
		return false;
	node = (void *)guard_read((void *)folder + layout.subdir);
	layout.node = (void *)node - (void *)file;
	/* the only one in its tree */
	return !guard_read(&node->rb_left) && !guard_read(&node->rb_right);
}

/* Its parent is the root, and by that it was told from other words. */
static bool find_layout(const struct proc_dir_entry *folder)
{
	const struct proc_dir_entry *file, *list;

	file = proc_create_data(PROBE_FILE, 0, (void *)folder, &probe_ops, NULL);
	if (!file || !find_layout_of_file(folder, file))
		return false;
	list = proc_create_seq_private(PROBE_LIST, 0, (void *)folder, &probe_seq_ops, 0,
				       NULL);
	return list &&
	       find_word(list, (unsigned long)&probe_seq_ops, 1,
			 &layout.field[SEQ_OPS]) &&
	       guard_read((void *)folder + layout.parent) == wanted[PROC_ROOT].address;
}

static int proc_start(void)
{
	struct proc_dir_entry *folder;
	bool is_known;

	if (!wanted[PROC_ROOT].address || !wanted[PROC_SUBDIR_LOCK].address)
		return -ENOENT;
	folder = proc_mkdir_mode(PROBE_FOLDER, 0, NULL);
	if (!folder)
		return -ENOMEM;
	is_known = find_layout(folder);
	proc_remove(folder);
	return is_known ? 0 : -ENOENT;
}

/*
 * one look at all entries
 * @visit: NULL if it is about @key
 * @key: whose name is looked for
 * @found: its name, or ""; in @folder
 * @is_single: @found has a function where others have a table
 */
struct walk {
	struct guard_visit *visit;
	unsigned long key;
	char found[NAME_SIZE];
	enum folder folder;
	bool is_single;
};

/* Most names are read at once; one that stands at the end of what is there is not. */
static void read_name(char name[NAME_SIZE], const void *entry)
{
	const void *from = (void *)guard_read(entry + layout.name);

	if (copy_from_kernel_nofault(name, from, NAME_SIZE))
		emit_copy(name, NAME_SIZE, from);
	name[NAME_SIZE - 1] = '\0';
}

static bool is_single(const void *entry)
{
	unsigned long ops = guard_read(entry + layout.field[OPS]);

	return ops && (ops == wanted[PROC_SINGLE_OPS].address ||
		       ops == wanted[PROC_NET_SINGLE_OPS].address);
}

static void visit_entry(struct walk *walk, enum folder folder, const void *entry)
{
	unsigned long key, value;
	char name[NAME_SIZE];
	enum field field;

	read_name(name, entry);
	key = guard_member_key(0, (void *)hashlen_string(NULL, name), folder);
	for (field = 0; field < FIELD_COUNT; field++, key += 1UL << LIST_SHIFT) {
		value = guard_read(entry + layout.field[field]);
		if (walk->visit) {
			guard_word(walk->visit, key, value);
		} else if (key == walk->key) {
			strscpy(walk->found, name, sizeof(walk->found));
			walk->folder = folder;
			walk->is_single = is_single(entry);
		}
	}
}

/* No deeper than a balanced tree can be. */
static void visit_folder(struct walk *walk, enum folder folder, const void *of)
{
	const struct rb_node *left[DEPTH_MAX], *node;
	size_t depth = 0, n;

	node = (void *)guard_read(of + layout.subdir);
	for (n = 0; n < ENTRIES_MAX && (node || depth); n++) {
		for (; node && depth < DEPTH_MAX;
		     node = (void *)guard_read(&node->rb_left))
			left[depth++] = node;
		node = left[--depth];
		visit_entry(walk, folder, (void *)node - layout.node);
		node = (void *)guard_read(&node->rb_right);
	}
}

static void walk_all(struct walk *walk)
{
	rwlock_t *lock = (void *)wanted[PROC_SUBDIR_LOCK].address;

	read_lock(lock);
	visit_folder(walk, ROOT, (void *)wanted[PROC_ROOT].address);
	if (init_net.proc_net)
		visit_folder(walk, NET, init_net.proc_net);
	read_unlock(lock);
}

static void proc_visit(struct guard_visit *visit)
{
	struct walk walk = { .visit = visit };

	walk_all(&walk);
}

static bool is_kernels(enum folder folder, const char *name)
{
	if (folder == ROOT)
		return match_string(names_of_root, ARRAY_SIZE(names_of_root), name) >= 0;
	return match_string(names_of_net, ARRAY_SIZE(names_of_net), name) >= 0;
}

/* A module's own entry leads to that module; but what was the kernel's, or has its name. */
static bool is_hooked(const struct guard_change *change, const struct walk *walk)
{
	struct owner owner;

	if (table_is_lawful(change->new, 0))
		return false;
	owner_find(change->new, &owner);
	if (owner.kind == OWNER_NOBODY || is_kernels(walk->folder, walk->found))
		return true;
	return !change->is_new && table_is_lawful(change->old, 0);
}

static void proc_report(const struct guard_change *change)
{
	enum field field = guard_member_list(change->key);
	struct walk walk = { .key = change->key };
	char what[TABLE_WHAT_SIZE];

	if (change->is_gone || (table_is_lawful(change->new, 0) &&
				(change->is_new || table_is_lawful(change->old, 0))))
		return;
	walk_all(&walk);
	scnprintf(what, sizeof(what), "%s/%s.%s", folder_names[walk.folder], walk.found,
		  fields[field].name);
	if (is_hooked(change, &walk))
		table_report_hooked(change, what,
				    walk.is_single && field == SEQ_OPS
					    ? TABLE_OTHER
					    : fields[field].type);
	else if (table_is_lawful(change->new, 0))
		table_report_restored(change, what);
}

const struct guard guard_proc = {
	.name = "proc",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.start = proc_start,
	.visit = proc_visit,
	.report = proc_report,
};
