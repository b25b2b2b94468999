// SPDX-License-Identifier: Apache-2.0
/* What of the receivers is elsewhere than in the configuration: see alert_config.h. */
#include <errno.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/safe_path.h"
#include "output/alerts/alert_config.h"

#define CA_MAX	   ((size_t)1 << 20)
#define SECRET_MAX ((size_t)4096)

/* One line, without what ends it. */
static int take_secret(int fd, const char *path, char **ret, struct buffer *errors)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	struct stat st;
	size_t n;
	int r = fstat(fd, &st) < 0 ? -errno : read_rest(fd, SECRET_MAX, &text);

	if (r < 0 || !buffer_cstring(&text)) {
		buffer_appendf(errors, "%s cannot be read: %s\n", path, strerror(-r));
		return r < 0 ? r : -ENOMEM;
	}
	n = strcspn(text.data, "\r\n");
	if (st.st_mode & S_IROTH)
		buffer_appendf(errors, "%s can be read by everybody: `chmod o-rwx` it\n",
			       path);
	else if (n == 0 || memchr(text.data, '\0', text.len) ||
		 text.data[n + strspn(text.data + n, "\r\n")])
		buffer_appendf(errors, "%s has not one line of text\n", path);
	else
		*ret = strndup(text.data, n);
	sodium_memzero(text.data, text.len);
	return *ret ? 0 : -EINVAL;
}

static int read_secret(const char *path, char **ret, struct buffer *errors)
{
	_cleanup_close_ int fd = -1;

	if (!path)
		return 0;
	fd = safe_path_open(path, safe_path_is_strict(path), errors);
	if (fd < 0) {
		buffer_append_char(errors, '\n');
		return -EINVAL;
	}
	free(*ret);
	*ret = NULL;
	return take_secret(fd, path, ret, errors);
}

/* Nothing has to be closed: it is for as long as we are. */
static int copy_ca(struct alert_receiver *r, struct buffer *errors)
{
	_cleanup_buffer_ struct buffer text = { 0 };
	_cleanup_close_ int copy = -1;
	int error;

	if (!r->ca_file)
		return 0;
	error = read_file(r->ca_file, CA_MAX, &text);
	if (error == 0)
		copy = memfd_create("lksm-ca", MFD_CLOEXEC);
	if (error == 0)
		error = copy < 0 ? -errno : write_all(copy, text.data, text.len);
	if (error == 0 && asprintf(&r->ca_path, "/proc/self/fd/%d", copy) < 0) {
		r->ca_path = NULL;
		error = -ENOMEM;
	}
	if (error < 0) {
		buffer_appendf(errors, "%s cannot be read: %s\n", r->ca_file,
			       strerror(-error));
		return error;
	}
	(void)take_fd(&copy);
	return 0;
}

static int read_url(struct alert_receiver *r, struct buffer *errors)
{
	int error = read_secret(r->url_file, &r->url, errors);
	const char *fault = error == 0 && r->url ? alert_url_fault(r) : NULL;

	if (!fault)
		return error;
	buffer_appendf(errors, "what is in %s %s\n", r->url_file, fault);
	return -EINVAL;
}

static int read_files(struct alert_receiver *r, struct buffer *errors)
{
	int error = read_url(r, errors);

	if (error == 0)
		error = read_secret(r->token_file, &r->token, errors);
	return error == 0 ? copy_ca(r, errors) : error;
}

int alert_config_read_secrets(struct alert_config *c, const char *name,
			      struct buffer *errors)
{
	int r = 0;

	for (size_t i = 0; i < c->n_receivers; i++) {
		struct alert_receiver *receiver = &c->receivers[i];
		_cleanup_buffer_ struct buffer said = { 0 };

		if ((name && strcmp(receiver->name, name) != 0) ||
		    read_files(receiver, &said) == 0)
			continue;
		receiver->is_given_up = true;
		buffer_appendf(errors, "alerts.receivers.%s: %s", receiver->name,
			       buffer_cstring(&said) ? said.data : "out of memory\n");
		r = -EINVAL;
	}
	return r;
}

/* Return: 0; an errno. */
static int try_program(const char *path)
{
	struct stat st;

	if (access(path, X_OK) < 0 || stat(path, &st) < 0)
		return errno;
	return S_ISREG(st.st_mode) ? 0 : EACCES;
}

int alert_config_check_programs(const struct alert_config *c, struct buffer *errors)
{
	int r = 0;

	for (size_t i = 0; i < c->n_receivers; i++) {
		const char *program = alert_receiver_program(&c->receivers[i]);
		int error = program ? try_program(program) : 0;

		if (!error)
			continue;
		buffer_appendf(errors, "alerts.receivers.%s: %s cannot be run: %s\n",
			       c->receivers[i].name, program, strerror(error));
		r = -EINVAL;
	}
	return r;
}
