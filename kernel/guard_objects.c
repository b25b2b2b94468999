// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which tables of functions live objects have: superblocks, their roots, and some folders
 * and files where things are hidden. Whoever leaves the kernel's table as it is can still
 * give one folder a copy of it. A key is the object and which of its pointers, the value the
 * table; then, for each table that some object has, the address of a word in it and what
 * stands there, if it may lead out of the kernel.
 *
 * Nothing is looked up that is not in the cache of names, and nothing is held beyond a
 * visit. A mount is held while its path is walked, some microseconds.
 */
#include "guard.h"

#include <linux/dcache.h>
#include <linux/errno.h>
#include <linux/fs.h>
#include <linux/fs_struct.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/path.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched/task.h>
#include <linux/stringhash.h>
#include <linux/uaccess.h>

#include "guards.h"
#include "table_report.h"

#ifdef PHOTON_SUPER_HAS_S_D_OP
#define D_OP_OF_SUPER s_d_op
#else
#define D_OP_OF_SUPER __s_d_op
#endif

#define SUPERS_MAX  512
#define TABLES_MAX  128
#define MOUNTS_MAX  16 /* on one folder */
#define NAME_SIZE   64
#define CHUNK_WORDS 32
/* Keys of words in tables are addresses of the kernel's, and begin with this byte. */
#define KEY_IS_WORD 0xff

enum field {
	S_TYPE = 1,
	S_OP,
	S_D_OP,
	S_XATTR,
	D_OP,
	I_OP,
	I_FOP,
	A_OPS,
	FIELD_COUNT
};

static const struct {
	const char *name;
	enum table_type type; /* TABLE_OTHER: what is in it is not looked at */
} fields[FIELD_COUNT] = {
	[S_TYPE] = { "s_type", TABLE_OTHER },  [S_OP] = { "s_op", TABLE_SUPER },
	[S_D_OP] = { "s_d_op", TABLE_DENTRY }, [S_XATTR] = { "s_xattr", TABLE_OTHER },
	[D_OP] = { "d_op", TABLE_DENTRY },     [I_OP] = { "i_op", TABLE_INODE },
	[I_FOP] = { "i_fop", TABLE_FILE },     [A_OPS] = { "a_ops", TABLE_MAPPING },
};

/* As the first process sees them. */
static const char *const paths[] = {
	"/",
	"/boot",
	"/dev",
	"/dev/kmsg",
	"/dev/mem",
	"/dev/pts",
	"/dev/shm",
	"/etc",
	"/etc/ld.so.preload",
	"/etc/passwd",
	"/home",
	"/lib",
	"/opt",
	"/proc",
	"/proc/1",
	"/proc/kallsyms",
	"/proc/kmsg",
	"/proc/modules",
	"/proc/net",
	"/proc/sys",
	"/root",
	"/run",
	"/sys",
	"/sys/fs/bpf",
	"/sys/fs/cgroup",
	"/sys/kernel",
	"/sys/kernel/debug",
	"/sys/kernel/tracing",
	"/sys/module",
	"/tmp",
	"/usr",
	"/usr/bin",
	"/usr/lib",
	"/usr/sbin",
	"/var",
	"/var/lib",
	"/var/log",
	"/var/tmp",
};

enum {
	SUPER_BLOCKS,
	SB_LOCK,
	WANTED_COUNT
};

static struct symbol_wanted wanted[WANTED_COUNT] = {
	[SUPER_BLOCKS] = { .name = "super_blocks" },
	[SB_LOCK] = { .name = "sb_lock" },
};

/*
 * where the last visit found pointers; addresses to be compared, the objects may be gone
 * @path: NULL for a superblock and its root
 */
struct place {
	const struct super_block *super;
	const struct dentry *dentry;
	const struct inode *inode;
	const char *path;
};

struct table {
	unsigned long address;
	enum table_type type;
};

static struct {
	struct place places[SUPERS_MAX + ARRAY_SIZE(paths)];
	size_t n_places;
	struct table tables[TABLES_MAX];
	size_t n_tables;
} state;

static void note_table(enum table_type type, unsigned long address)
{
	size_t i;

	if (type == TABLE_OTHER || !address)
		return;
	for (i = 0; i < state.n_tables; i++) {
		if (state.tables[i].address == address)
			return;
	}
	if (i < TABLES_MAX)
		state.tables[state.n_tables++] = (struct table){ address, type };
}

static void show(struct guard_visit *visit, enum field field, const void *object,
		 const void *pointer)
{
	unsigned long value = guard_read(pointer);

	guard_word(visit, guard_member_key(field, object, 0), value);
	note_table(fields[field].type, value);
}

static void show_inode(struct guard_visit *visit, const struct inode *inode)
{
	const struct address_space *mapping = (void *)guard_read(&inode->i_mapping);

	show(visit, I_OP, inode, &inode->i_op);
	show(visit, I_FOP, inode, &inode->i_fop);
	if (mapping)
		show(visit, A_OPS, inode, &mapping->a_ops);
}

/* Under RCU: what is in use when it is read is not freed before the end. */
static void show_dentry(struct guard_visit *visit, struct place *place)
{
	place->inode = (void *)guard_read(&place->dentry->d_inode);
	show(visit, D_OP, place->dentry, &place->dentry->d_op);
	if (place->inode)
		show_inode(visit, place->inode);
}

static void show_super(struct guard_visit *visit, const struct super_block *super)
{
	struct place *place = &state.places[state.n_places++];

	*place = (struct place){ .super = super };
	show(visit, S_TYPE, super, &super->s_type);
	show(visit, S_OP, super, &super->s_op);
	show(visit, S_D_OP, super, &super->D_OP_OF_SUPER);
	show(visit, S_XATTR, super, &super->s_xattr);
	place->dentry = (void *)guard_read(&super->s_root);
	if (place->dentry)
		show_dentry(visit, place);
}

static void visit_supers(struct guard_visit *visit)
{
	const struct list_head *head = (void *)wanted[SUPER_BLOCKS].address, *at;
	spinlock_t *lock = (void *)wanted[SB_LOCK].address;
	size_t i;

	if (!head || !lock)
		return;
	spin_lock(lock);
	rcu_read_lock();
	guard_for_each_node (at, head, i, SUPERS_MAX)
		show_super(visit, list_entry(at, struct super_block, s_list));
	rcu_read_unlock();
	spin_unlock(lock);
	if (i == SUPERS_MAX)
		guard_cut(visit);
}

/* Onto what is mounted on it, the topmost. */
static void cross_mounts(struct path *path)
{
	size_t i;

	for (i = 0; i < MOUNTS_MAX && d_mountpoint(path->dentry); i++) {
		if (!follow_down_one(path))
			break;
	}
}

/* Return: whether the cache knows it; if so, @path leads there */
static bool step(struct path *path, const char *name, size_t length)
{
	struct qstr string = QSTR_INIT(name, length);
	struct dentry *child;

	string.hash = full_name_hash(path->dentry, name, length);
	child = d_lookup(path->dentry, &string);
	if (!child)
		return false;
	dput(path->dentry);
	path->dentry = child;
	cross_mounts(path);
	return true;
}

static bool walk(struct path *path, const char *name)
{
	size_t length;

	for (name++; *name; name += length + (name[length] == '/')) {
		length = strchrnul(name, '/') - name;
		if (!step(path, name, length))
			return false;
	}
	return true;
}

static struct place *find_place(const struct dentry *dentry)
{
	size_t i;

	for (i = 0; i < state.n_places; i++) {
		if (state.places[i].dentry == dentry)
			return &state.places[i];
	}
	return NULL;
}

/* What is shown already, as a root or by another path, gets a name only. */
static void visit_dentry(struct guard_visit *visit, struct dentry *dentry,
			 const char *name)
{
	struct place *place = find_place(dentry);

	if (place) {
		place->path = name;
		return;
	}
	place = &state.places[state.n_places++];
	*place = (struct place){ .super = dentry->d_sb, .dentry = dentry, .path = name };
	rcu_read_lock();
	show_dentry(visit, place);
	rcu_read_unlock();
}

static void visit_path(struct guard_visit *visit, const struct path *root,
		       const char *name)
{
	struct path path = *root;

	path_get(&path);
	if (walk(&path, name))
		visit_dentry(visit, path.dentry, name);
	path_put(&path);
}

static bool get_root(struct path *ret)
{
	struct task_struct *first;
	bool has_root;

	rcu_read_lock(); /* another of its threads may take its place */
	first = READ_ONCE(init_pid_ns.child_reaper);
	task_lock(first);
	has_root = first->fs;
	if (has_root)
		get_fs_root(first->fs, ret);
	task_unlock(first);
	rcu_read_unlock();
	return has_root;
}

static void visit_paths(struct guard_visit *visit)
{
	struct path root;
	size_t i;

	if (!get_root(&root))
		return;
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		visit_path(visit, &root, paths[i]);
	path_put(&root);
}

/* In one of the kernel's: what leads out of it. In another: all that leads anywhere. */
static bool is_shown(const struct table *table, unsigned long value)
{
	if (value < PAGE_OFFSET || value >= (unsigned long)-MAX_ERRNO)
		return false;
	if (!owner_is_kernel(table->address))
		return true;
	return !owner_is_kernel(value) && !guard_pointers_has(table->address);
}

static void visit_table(struct guard_visit *visit, const struct table *table)
{
	size_t i, at, n, n_all = members_size(table->type) / sizeof(long);
	const unsigned long *from = (void *)table->address;
	unsigned long words[CHUNK_WORDS];

	for (at = 0; at < n_all; at += n) {
		n = min_t(size_t, n_all - at, CHUNK_WORDS);
		if (copy_from_kernel_nofault(words, from + at, n * sizeof(long)))
			return;
		for (i = 0; i < n; i++) {
			if (is_shown(table, words[i]))
				guard_word(visit, (unsigned long)(from + at + i),
					   words[i]);
		}
	}
}

static void objects_visit(struct guard_visit *visit)
{
	size_t i;

	state.n_places = state.n_tables = 0;
	visit_supers(visit);
	visit_paths(visit);
	for (i = 0; i < state.n_tables; i++)
		visit_table(visit, &state.tables[i]);
}

static const void *object_of(const struct place *place, enum field field)
{
	switch (field) {
	case D_OP:
		return place->dentry;
	case I_OP:
	case I_FOP:
	case A_OPS:
		return place->inode;
	default:
		return place->super;
	}
}

static const struct place *place_of(unsigned long key)
{
	enum field field = guard_member_list(key);
	const void *object;
	size_t i;

	for (i = 0; i < state.n_places; i++) {
		object = object_of(&state.places[i], field);
		if (object && guard_member_key(field, object, 0) == key)
			return &state.places[i];
	}
	return NULL;
}

static void name_place(char to[NAME_SIZE], const struct place *place)
{
	const struct file_system_type *type;

	if (place->path) {
		strscpy(to, place->path, NAME_SIZE);
		return;
	}
	type = (void *)guard_read(&place->super->s_type);
	emit_copy(to, NAME_SIZE, type ? (void *)guard_read(&type->name) : "unknown");
}

static void report_pointer(const struct guard_change *change)
{
	enum field field = guard_member_list(change->key);
	const struct place *place = place_of(change->key);
	char name[NAME_SIZE], what[TABLE_WHAT_SIZE];
	unsigned long home;

	if (!place || change->is_gone)
		return;
	name_place(name, place);
	scnprintf(what, sizeof(what), "%s.%s", name, fields[field].name);
	home = guard_read(&place->super->s_type);
	if (!table_is_lawful(change->new, home))
		table_report_hooked(change, what, fields[field].type);
	else if (!change->is_new && !table_is_lawful(change->old, home))
		table_report_restored(change, what);
}

static const struct table *table_of(unsigned long key)
{
	size_t i;

	for (i = 0; i < state.n_tables; i++) {
		if (key - state.tables[i].address < members_size(state.tables[i].type))
			return &state.tables[i];
	}
	return NULL;
}

/* A table that is nobody's has been told with the object that has it. */
static bool is_worth_telling(const struct table *table)
{
	struct owner owner;

	owner_find(table->address, &owner);
	return owner.kind != OWNER_NOBODY;
}

static void report_word(const struct guard_change *change)
{
	const struct table *table = table_of(change->key);
	struct guard_change now = *change;
	char name[SYMBOLS_NAME_SIZE], what[MEMBERS_NAME_SIZE], quoted[4 * sizeof(what)];
	bool was_bad;

	if (!table || !is_worth_telling(table))
		return;
	if (change->is_gone)
		now.new = guard_read((void *)change->key);
	was_bad = !change->is_new && !table_is_lawful(change->old, table->address);
	symbols_describe(name, table->address);
	members_describe(what, name, table->type, change->key - table->address);
	emit_quote(quoted, sizeof(quoted), what);
	if (!table_is_lawful(now.new, table->address))
		guard_print_target(&now, EMIT_HIGH, "pointer_hooked", " what=%s", quoted);
	else if (was_bad)
		guard_print_target(&now, EMIT_INFO, "pointer_restored", " what=%s",
				   quoted);
}

static void objects_report(const struct guard_change *change)
{
	if (guard_member_list(change->key) == KEY_IS_WORD)
		report_word(change);
	else
		report_pointer(change);
}

const struct guard guard_objects = {
	.name = "objects",
	.wanted = wanted,
	.n_wanted = ARRAY_SIZE(wanted),
	.visit = objects_visit,
	.report = objects_report,
};
