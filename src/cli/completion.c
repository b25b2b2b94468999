// SPDX-License-Identifier: Apache-2.0
/* lksm completion: what the shells need to complete verbs and options, from the verbs' table. */
#include <errno.h>
#include <stdio.h>

#include "base/buffer.h"
#include "base/file.h"
#include "cli/verb.h"

/* "seed|full", "info|high,…": these words; NULL: a file, or something that we cannot list. */
static const char *words_of(const struct verb_option *o)
{
	return o->argument && strchr(o->argument, '|') && !strchr(o->argument, '-') &&
			       *o->argument >= 'a'
		       ? o->argument
		       : NULL;
}

static bool is_path(const struct verb_option *o)
{
	static const char *const words[] = { "FILE", "FOLDER", "PATH", "F", "D" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (o->argument && !strncmp(o->argument, words[i], strlen(words[i])))
			return true;
	return false;
}

/* In single quotes, for any of the shells. */
static void append_quoted(struct buffer *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (*text == '\'')
			buffer_append_literal(out, "'\\''");
		else if (strchr(special, *text))
			buffer_appendf(out, "\\%c", *text);
		else
			buffer_append_char(out, *text);
	}
}

/* "list | show ID": "list show "; what is not written small is no word but stands for one. */
static void append_words(struct buffer *out, const char *alternatives)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz-";

	for (const char *at = alternatives; *at; at += *at == '|') {
		size_t n;

		at += strspn(at, " ");
		n = *at == '-' ? 0 : strspn(at, letters);
		buffer_append(out, at, n);
		if (n)
			buffer_append_char(out, ' ');
		at += strcspn(at, "|");
	}
}

static void append_verbs(struct buffer *out)
{
	for (const struct verb *const *v = verbs_all(); *v; v++)
		if (!(*v)->is_internal)
			buffer_appendf(out, "%s ", (*v)->name);
}

static bool has_words(const struct verb *verb)
{
	_cleanup_buffer_ struct buffer words = { 0 };

	append_words(&words, verb->arguments);
	return words.len > 0;
}

static void append_options(struct buffer *out, const struct verb *verb)
{
	for (const struct verb_option *o = verb->options; o && o->name; o++)
		buffer_appendf(out, "--%s ", o->name);
	buffer_append_literal(out, "--help' ;;\n");
}

static void append_bash_verb(struct buffer *out, const struct verb *verb)
{
	const struct verb_option *o;

	buffer_appendf(out, "\t%s)\n\t\tcase $before in\n", verb->name);
	for (o = verb->options; o && o->name; o++) {
		if (!words_of(o))
			continue;
		buffer_appendf(out, "\t\t--%s", o->name);
		if (o->letter)
			buffer_appendf(out, "|-%c", o->letter);
		buffer_append_literal(out, ") words='");
		append_words(out, words_of(o));
		buffer_append_literal(out, "' ;;\n");
	}
	if (has_words(verb)) { /* behind the verb itself */
		buffer_appendf(out, "\t\t%s) words='", verb->name);
		append_words(out, verb->arguments);
		append_options(out, verb);
	}
	buffer_append_literal(out, "\t\t*) words='");
	append_options(out, verb);
	buffer_append_literal(out, "\t\tesac ;;\n");
}

static void append_bash(struct buffer *out)
{
	buffer_append_literal(
		out, "# bash completion for lksm, made by `lksm completion bash`\n"
		     "_lksm() {\n"
		     "\tlocal word=${COMP_WORDS[COMP_CWORD]} words=\n"
		     "\tlocal before=${COMP_WORDS[COMP_CWORD-1]}\n"
		     "\tif [ \"$COMP_CWORD\" -eq 1 ] || [ \"${COMP_WORDS[1]}\" = help ]; "
		     "then\n"
		     "\t\twords='");
	append_verbs(out);
	buffer_append_literal(out, "'\n\telse case ${COMP_WORDS[1]} in\n");
	for (const struct verb *const *v = verbs_all(); *v; v++)
		if (!(*v)->is_internal)
			append_bash_verb(out, *v);
	buffer_append_literal(out, "\tesac; fi\n"
				   "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
				   "}\n"
				   "complete -o default -F _lksm lksm\n");
}

static void append_zsh_option(struct buffer *out, const struct verb_option *o)
{
	buffer_appendf(out, " \\\n\t\t\t'--%s[", o->name);
	append_quoted(out, o->help, "[]:\\");
	buffer_append_char(out, ']');
	if (words_of(o)) {
		buffer_appendf(out, ":%s:(", o->name);
		append_words(out, words_of(o));
		buffer_append_char(out, ')');
	} else if (o->argument) {
		buffer_appendf(out, ":%s:%s", o->name, is_path(o) ? "_files" : " ");
	}
	buffer_append_char(out, '\'');
}

static void append_zsh(struct buffer *out)
{
	const struct verb *const *v;

	buffer_append_literal(out, "#compdef lksm\n"
				   "# zsh completion, made by `lksm completion zsh`\n"
				   "_lksm() {\n\tlocal -a verbs\n\tverbs=(");
	for (v = verbs_all(); *v; v++) {
		if ((*v)->is_internal)
			continue;
		buffer_appendf(out, "\n\t\t'%s:", (*v)->name);
		append_quoted(out, (*v)->summary, ":\\");
		buffer_append_char(out, '\'');
	}
	buffer_append_literal(out,
			      "\n\t)\n\tif (( CURRENT == 2 )); then\n"
			      "\t\t_describe verb verbs\n\t\treturn\n\tfi\n"
			      "\tlocal verb=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n"
			      "\tcase $verb in\n\thelp) _describe verb verbs ;;\n");
	for (v = verbs_all(); *v; v++) {
		const struct verb_option *o = (*v)->options;

		if ((*v)->is_internal || (*v)->run == verb_help.run)
			continue;
		buffer_appendf(out, "\t%s) _arguments '--help[Show help]'", (*v)->name);
		for (; o && o->name; o++)
			append_zsh_option(out, o);
		if (has_words(*v)) {
			buffer_append_literal(out, " \\\n\t\t\t'1:what:(");
			append_words(out, (*v)->arguments);
			buffer_append_literal(out, ")'");
		}
		buffer_append_literal(out, " '*:file:_files' ;;\n");
	}
	buffer_append_literal(out, "\t*) _files ;;\n\tesac\n}\n_lksm \"$@\"\n");
}

static void append_fish_option(struct buffer *out, const struct verb *verb,
			       const struct verb_option *o)
{
	buffer_appendf(out, "complete -c lksm -n '__fish_seen_subcommand_from %s' -l %s",
		       verb->name, o->name);
	if (o->letter)
		buffer_appendf(out, " -s %c", o->letter);
	if (words_of(o)) {
		buffer_append_literal(out, " -x -a '");
		append_words(out, words_of(o));
		buffer_append_char(out, '\'');
	} else if (o->argument) {
		buffer_append_literal(out, " -r");
	}
	buffer_append_literal(out, " -d '");
	append_quoted(out, o->help, "\\");
	buffer_append_literal(out, "'\n");
}

static void append_fish_words(struct buffer *out, const struct verb *verb)
{
	if (!has_words(verb))
		return;
	buffer_appendf(out,
		       "complete -c lksm -n '__fish_seen_subcommand_from %s; and not "
		       "__fish_seen_subcommand_from ",
		       verb->name);
	append_words(out, verb->arguments);
	buffer_append_literal(out, "' -x -a '");
	append_words(out, verb->arguments);
	buffer_append_literal(out, "'\n");
}

static void append_fish(struct buffer *out)
{
	buffer_append_literal(
		out, "# fish completion for lksm, made by `lksm completion fish`\n");
	for (const struct verb *const *v = verbs_all(); *v; v++) {
		if ((*v)->is_internal)
			continue;
		buffer_appendf(out,
			       "complete -c lksm -n __fish_use_subcommand -x -a %s -d '",
			       (*v)->name);
		append_quoted(out, (*v)->summary, "\\");
		buffer_append_literal(out, "'\n");
		for (const struct verb_option *o = (*v)->options; o && o->name; o++)
			append_fish_option(out, *v, o);
		append_fish_words(out, *v);
	}
}

static int run(int argc, char **argv)
{
	static const struct {
		const char *shell;
		void (*append)(struct buffer *out);
	} shells[] = { { "bash", append_bash },
		       { "zsh", append_zsh },
		       { "fish", append_fish } };
	static const char *const words[] = { "bash", "zsh", "fish", NULL };
	_cleanup_buffer_ struct buffer out = { 0 };
	const char *value;

	(void)verb_next_option(&verb_completion, argc, argv, &value);
	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(shells); i++)
		if (!strcmp(argv[1], shells[i].shell))
			shells[i].append(&out);
	if (!out.len)
		return verb_refuse(&verb_completion, argc - 1, argv + 1, words);
	return buffer_error(&out) || write_all(STDOUT_FILENO, out.data, out.len) < 0
		       ? EXIT_TROUBLE
		       : EXIT_DONE;
}

const struct verb verb_completion = {
	.name = "completion",
	.arguments = "bash|zsh|fish",
	.summary = "Print what a shell needs to complete lksm's verbs and options",
	.detail =
		"For bash, put it into /etc/bash_completion.d/lksm; for zsh, as _lksm "
		"into a "
		"folder of $fpath; for fish, into ~/.config/fish/completions/lksm.fish. "
		"`meson install` does so.",
	.run = run,
};
