// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a recording. Nobody checks checksums here (FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION), and
 * the file's header is set right unless its byte 19, which means nothing, says otherwise: else little
 * would ever get as far as to the blocks. All records that come out have to be valid, and the same when
 * the file is read again and they have been encoded and decoded in between.
 */
#include <sys/mman.h>
#include <stdio.h>
#include <string.h>

#include "record/encode.h"
#include "record/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAW_HEADER 19

/* Kept from input to input: there is much to allocate. */
static struct encoder *encoder;
static struct decoder *decoder;

static int write_file(const uint8_t *data, size_t size)
{
	uint8_t header[RECORD_HEADER_SIZE];
	struct record_header h;
	int fd = memfd_create("recording", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (size < sizeof(header) || data[RAW_HEADER] ||
	    record_unpack_header(data, &h) == HEADER_FOREIGN)
		return fd;
	h.version = RECORD_VERSION;
	h.abi = EVENTS_ABI;
	h.size = RECORD_HEADER_SIZE;
	h.byte_order = 1;
	h.state %= RECORD_STATES;
	record_pack_header(&h, header);
	if (pwrite(fd, header, sizeof(header), 0) != sizeof(header))
		abort();
	return fd;
}

static struct record_reader *open_file(int fd)
{
	struct record_reader *r = NULL;
	struct failure f = { 0 };
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (record_reader_open(path, &r, &f) && (r || !f.text[0]))
		abort();
	return r;
}

static int add_symbol(void *arg, const struct record_symbol *s)
{
	*(size_t *)arg += strlen(s->name) + strlen(s->module);
	return 0;
}

static int add_code(void *arg, const struct record_code *c)
{
	*(size_t *)arg += strlen(c->path) + strlen(c->name);
	return 0;
}

static void read_names(struct record_reader *r)
{
	size_t total = 0;
	const struct record_names_visitor v = {
		.symbol = add_symbol,
		.code = add_code,
		.arg = &total,
	};
	const char *text = record_reader_text(r, "kernel");
	uint64_t from;

	if (record_reader_names(r, &v) || (text && strlen(text) > RECORD_PAYLOAD_MAX))
		abort();
	record_reader_window(r, &from);
}

/* Encode as many records as a block has at most. Returns how many. */
static size_t encode(struct record_reader *r)
{
	const struct event_header *const *records;
	size_t done = 0, n, i;

	for (;;) {
		if (record_reader_next(r, &records, &n))
			abort();
		if (!n)
			return done;
		for (i = 0; i < n; i++) {
			if (!event_valid(records[i], event_size(records[i])))
				abort();
			if (done == RECORD_BLOCK_RECORDS)
				continue;
			if (encoder_add(encoder, records[i]))
				abort();
			done++;
		}
	}
}

static bool same(const struct event_header *a, const struct event_header *b)
{
	const struct event_stack *stack = (const struct event_stack *)a;
	size_t size = event_size(a);

	if (a->kind == EVENT_STACK) /* what lies behind its frames means nothing */
		size = offsetof(struct event_stack, frames) + stack->n * sizeof(stack->frames[0]);
	return a->kind == b->kind && event_size(a) == event_size(b) && !memcmp(a, b, size);
}

/* Decode @left records and compare them with those of the file. */
static void decode(struct record_reader *r, size_t left)
{
	const struct event_header *const *records, *const *decoded;
	size_t n, n_decoded = 0, size, at = 0, i;
	const uint8_t *payload = encoder_payload(encoder, &size);
	bool preamble;

	if (!payload || decoder_begin(decoder, payload, size))
		abort();
	while (left) {
		if (record_reader_next(r, &records, &n) || !n)
			abort();
		for (i = 0; i < n && left; i++, at++, left--) {
			if (at == n_decoded) {
				at = 0;
				if (decoder_next(decoder, &decoded, &n_decoded, &preamble) ||
				    !n_decoded)
					abort();
			}
			if (!same(records[i], decoded[at]))
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_close_ int fd = write_file(data, size);
	_cleanup_(record_reader_free) struct record_reader *r = open_file(fd), *again = NULL;
	struct record_damage damage;
	size_t n;

	if (!r)
		return 0;
	if (!encoder) {
		encoder = encoder_new();
		decoder = decoder_new();
	}
	if (!encoder || !decoder)
		abort();
	encoder_reset(encoder);
	encoder_begin(encoder);
	n = encode(r);
	read_names(r);
	record_reader_damage(r, &damage);
	if (damage.bytes > record_reader_size(r))
		abort();
	again = open_file(fd);
	if (!again)
		abort();
	read_names(again); /* it makes no difference when they are asked for */
	decode(again, n);
	return 0;
}
