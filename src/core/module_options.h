/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a module, from the configuration's text into the module's own state. */
#ifndef CORE_MODULE_OPTIONS_H
#define CORE_MODULE_OPTIONS_H

#include "lksm/module.h"

#include "base/buffer.h"

struct registry_callbacks;

#define MODULE_OPTIONS_MAX 64

/** What the filled-in options borrow from; zeroed before the first use. */
struct module_options {
	char *texts[MODULE_OPTIONS_MAX]; /* owned; values of text options */
	size_t n_texts;
};

/**
 * module_options_fill() - give every option its configured value, or its default
 * @state: zeroed, module->state_size bytes
 * @callbacks: option() and source() are asked; either may be NULL: nothing is configured
 * @reason: gets a sentence when a value cannot be used
 *
 * Return: 0; -EINVAL: @reason says which value; -ENOMEM.
 */
int module_options_fill(struct module_options *options, const struct lksm_module *module,
			void *state, const struct registry_callbacks *callbacks,
			struct buffer *reason);
void module_options_deinit(struct module_options *options);

/** module_option_bool() - true, yes, on, 1, or their opposites; 0 or -EINVAL */
int module_option_bool(const char *text, bool *ret);

#endif
