/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROBE_PACKED_H
#define KMSCOPE_PROBE_PACKED_H
/*
 * Kernel programs that are compressed in the program: MINIMAL=1. The Makefile makes skeletons whose
 * data is gzip's and which call this where bpftool has written bpf_object__open_skeleton().
 */
#include <bpf/libbpf.h>

#include "base/base.h"

/*
 * Open the object of @s. Its bytes exist only meanwhile: libbpf copies what it keeps. 0, or negative
 * errno as from libbpf; -EBADMSG, -ENOMEM as from gunzip().
 */
int packed_open_skeleton(struct bpf_object_skeleton *s, const struct bpf_object_open_opts *opts)
	_must_check_;

#endif
