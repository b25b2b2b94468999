// SPDX-License-Identifier: Apache-2.0
/* The first byte chooses one of the formats that the cross-views read. */
#include "core/crossview_modules.h"
#include "core/crossview_place.h"
#include "core/crossview_sockets.h"
#include "core/crossview_tasks.h"
#include "core/folder.h"

#include "fuzz.h"

static void check_folder(struct span input)
{
	struct span rest = input;
	struct folder_record record;
	size_t before = rest.len;

	while (folder_next(&rest, &record) > 0) {
		MUST(lies_in(record.name, input) && lies_in(record.slack, input));
		MUST(record.name.data[record.name.len] == '\0');
		MUST(rest.len < before);
		before = rest.len;
	}
}

static void check_sockets(struct span input, int kind)
{
	struct socket_list list = { 0 };

	if (kind == 2)
		(void)sockets_parse_diag(input, &list);
	else
		(void)sockets_parse_proc(input, kind == 1, &list);
	for (size_t i = 0; i < list.n; i++)
		MUST(list.items[i].inode);
	socket_list_deinit(&list);
}

static void check_modules(struct span input, bool is_kallsyms)
{
	struct module_list list = { 0 };

	(void)(is_kallsyms ? modules_parse_kallsyms(input, &list)
			   : modules_parse_proc(input, &list));
	for (size_t i = 0; i < list.n; i++)
		MUST(list.items[i].len && list.items[i].len <= MODULE_NAME_MAX);
	module_list_deinit(&list);
}

static void check_texts(struct span input)
{
	struct task_facts facts = { 0 };

	(void)task_parse_stat(input, &facts);
	(void)task_parse_status(input, &facts);
	MUST(facts.comm_len <= sizeof(facts.comm));
	(void)place_hides_processes(input);
	(void)place_is_initial(input);
	(void)place_namespaces(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = { (const char *)data, size };

	if (!size)
		return 0;
	input = span_skip(input, 1);
	switch (data[0]) {
	case 'f':
		check_folder(input);
		break;
	case '4':
	case '6':
	case 'd':
		check_sockets(input, data[0] == '4' ? 0 : data[0] == '6' ? 1 : 2);
		break;
	case 'm':
	case 'k':
		check_modules(input, data[0] == 'k');
		break;
	default:
		check_texts(input);
	}
	return 0;
}
