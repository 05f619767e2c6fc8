// SPDX-License-Identifier: GPL-2.0
#include "probe/packed.h"

#include "base/gunzip.h"

int packed_open_skeleton(struct bpf_object_skeleton *s, const struct bpf_object_open_opts *opts)
{
	_cleanup_free_ void *object = NULL;
	const void *packed = s->data;
	size_t packed_n = s->data_sz;
	int err = gunzip(packed, packed_n, &object, &s->data_sz);

	if (err)
		return err;
	s->data = object;
	err = bpf_object__open_skeleton(s, opts);
	s->data = (void *)packed;
	s->data_sz = packed_n;
	return err;
}
