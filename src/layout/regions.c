// SPDX-License-Identifier: GPL-2.0
/*
 * The parts of the virtual address space, each from the best source that there is:
 *
 * - /proc/kcore's segments: the direct map's (and the image's) have a physical address; vmalloc's is
 *   as large as VmallocTotal; that of modules holds a module's functions; vmemmap's is as large as the
 *   struct pages of a direct-mapped segment. VMCOREINFO in it names some bounds outright (arm64).
 * - Symbols and /proc/iomem: where the image is, virtually and physically. On a 32-bit kernel the
 *   image lies in the direct map, so that their difference is the direct map's.
 * - What was seen there: functions of modules, areas of /proc/vmallocinfo.
 */
#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "layout/layout.h"
#include "procfs/keys.h"
#include "procfs/scan.h"

/* The image is placed in steps of 2 MiB: x86 CONFIG_PHYSICAL_ALIGN, arm64 MIN_KIMG_ALIGN, ARM SZ_2M. */
#define IMAGE_STEP (2ull << 20)

static void set_region(struct layout *l, enum region region, uint64_t start, uint64_t end,
		       const char *source)
{
	l->regions[region] = (struct layout_range){
		.known = true, .start = start, .end = end, .source = source
	};
}

static void set_seen(struct layout *l, enum region region, uint64_t start, uint64_t end,
		     const char *source, const char *why)
{
	set_region(l, region, start, end, source);
	l->regions[region].seen_only = true;
	l->regions[region].why = why;
}

static int first_address(const struct symbol *sym, void *arg)
{
	*(uint64_t *)arg = sym->start;
	return 1;
}

static bool find_symbol(const struct layout *l, const char *name, uint64_t *ret)
{
	struct symbolizer *s = l->in->symbols;

	return s && s->ops->find(s, name, first_address, ret) == 1;
}

/* --- VMCOREINFO ----------------------------------------------------------------------------------- */

static void use_bounds(struct layout *l, enum region region, const char *start_key,
		       const char *end_key)
{
	const char *text = l->kcore.vmcoreinfo;
	uint64_t start, end;

	/* the end is exclusive */
	if (keys_u64(text, start_key, &start) && keys_u64(text, end_key, &end) && start < end)
		set_region(l, region, start, end - 1, "vmcoreinfo");
}

static void use_vmcoreinfo(struct layout *l)
{
	const char *text = l->kcore.vmcoreinfo;
	uint64_t offset;

	use_bounds(l, REGION_VMALLOC, "NUMBER(VMALLOC_START)=", "NUMBER(VMALLOC_END)=");
	/* With KASLR, arm64 loads modules near its image, and these bounds mean nothing. */
	if (keys_hex(text, "KERNELOFFSET=", &offset) && !offset)
		use_bounds(l, REGION_MODULES, "NUMBER(MODULES_VADDR)=", "NUMBER(MODULES_END)=");
}

static void find_struct_page(struct layout *l)
{
	uint64_t size;

	if (l->in->facts.btf_page_size) {
		l->struct_page_size = l->in->facts.btf_page_size;
		l->struct_page_source = "/sys/kernel/btf/vmlinux";
	} else if (keys_u64(l->kcore.vmcoreinfo, "SIZE(page)=", &size) && size && size < 4096) {
		l->struct_page_size = size;
		l->struct_page_source = "VMCOREINFO in /proc/kcore";
	}
}

/* vmalloc's segment is as large as VmallocTotal, which is cut to whole KiB. */
static void find_vmalloc_segment(struct layout *l)
{
	const struct kcore_segment *s;
	uint64_t total;

	if (l->regions[REGION_VMALLOC].known ||
	    !keys_kb(l->in->files[FILE_MEMINFO].text, "VmallocTotal:", &total) || !total)
		return;
	vec_for_each(&l->kcore, s)
		if (!s->has_phys && (s->end - s->start + 1) / 1024 == total / 1024) {
			set_region(l, REGION_VMALLOC, s->start, s->end, "kcore");
			return;
		}
}

/* --- modules --------------------------------------------------------------------------------------- */

/* The lowest and the highest address of functions of modules. */
static bool seen_modules(const struct layout *l, uint64_t *ret_start, uint64_t *ret_end)
{
	const char *text = l->in->files[FILE_MODULES].text;
	struct symbolizer *s = l->in->symbols;
	uint64_t start = UINT64_MAX, end = 0, from, to;
	char name[64];
	struct scan line;
	size_t n;

	for (n = 0; s && text && n < LAYOUT_MODULES && scan_line(&text, &line); n++) {
		if (!scan_name(&line, name, sizeof(name)) ||
		    s->ops->module_range(s, name, &from, &to) || to <= from)
			continue;
		start = MIN(start, from);
		end = MAX(end, to - 1);
	}
	*ret_start = start;
	*ret_end = end;
	return start <= end;
}

static void find_modules(struct layout *l)
{
	const char *text = l->in->files[FILE_MODULES].text;
	const struct kcore_segment *s;
	uint64_t start, end;

	if (l->regions[REGION_MODULES].known)
		return;
	if (!seen_modules(l, &start, &end)) {
		l->regions[REGION_MODULES].why =
			!text && l->in->files[FILE_MODULES].err == -ENOENT
				? "this kernel knows no modules"
			: !l->in->symbols ? "/proc/kallsyms hides addresses"
			: text && !*text  ? "no module is loaded"
					  : "/proc/kallsyms lists no function of a module";
		return;
	}
	/* on arm64 with KASLR they are in vmalloc's, and have no region of their own */
	vec_for_each(&l->kcore, s)
		if (!s->has_phys && start >= s->start && end <= s->end &&
		    s->start != l->regions[REGION_VMALLOC].start) {
			set_region(l, REGION_MODULES, s->start, s->end, "kcore");
			return;
		}
	set_seen(l, REGION_MODULES, start, end, "kallsyms",
		 "from the first to the last function of a loaded module; the region is larger");
}

/* --- kcore's segments ------------------------------------------------------------------------------ */

static int add_piece(struct layout *l, uint64_t start, uint64_t end, uint64_t phys)
{
	struct layout_piece *piece;

	if (phys > UINT64_MAX - (end - start))
		return 0;
	piece = vec_add(&l->direct);
	if (!piece)
		return -ENOMEM;
	*piece = (struct layout_piece){ start, end, phys };
	return 0;
}

static int compare_pieces(const void *a, const void *b)
{
	const struct layout_piece *x = a, *y = b;

	return CMP(x->start, y->start);
}

/*
 * The segments with a physical address. Those of the direct map have all the same distance from it,
 * and one of them is the largest; the image's has another one, or lies in the direct map.
 */
static int use_direct_segments(struct layout *l)
{
	const struct kcore_segment *s, *largest = NULL;
	uint64_t image = 0, image_phys = 0, image_end = 0;
	int err = 0;

	vec_for_each(&l->kcore, s)
		if (s->has_phys && (!largest || s->end - s->start > largest->end - largest->start))
			largest = s;
	if (!largest)
		return 0;
	l->has_direct_offset = true;
	l->direct_offset = largest->start - largest->phys;
	for (s = l->kcore.items; !err && s < l->kcore.items + l->kcore.n; s++) {
		if (s->has_phys && s->start - s->phys == l->direct_offset)
			err = add_piece(l, s->start, s->end, s->phys);
		else if (s->has_phys)
			image = s->start, image_end = s->end, image_phys = s->phys;
	}
	if (err || !l->direct.n)
		return err;
	qsort(l->direct.items, l->direct.n, sizeof(*l->direct.items), compare_pieces);
	set_region(l, REGION_DIRECT, l->direct.items[0].start, l->direct.items[l->direct.n - 1].end,
		   "kcore");
	if (image) {
		set_region(l, REGION_KERNEL, image, image_end, "kcore");
		l->has_image_offset = true;
		l->image_offset = image - image_phys;
	}
	return 0;
}

static uint64_t frames(const struct layout *l, uint64_t bytes)
{
	return bytes / l->in->facts.page_size;
}

/*
 * vmemmap is an array of struct page by frame number. The segment of the largest direct-mapped piece
 * is as large as that piece's struct pages, give or take partial pages; from where it begins follows
 * where frame 0 would be, and so the whole.
 */
static void find_vmemmap_segment(struct layout *l)
{
	uint64_t page = l->in->facts.page_size, wanted, size, base, last;
	const struct layout_piece *piece, *largest = l->direct.items;
	const struct kcore_segment *s;

	if (l->regions[REGION_VMEMMAP].known || !l->struct_page_size || !l->direct.n)
		return;
	vec_for_each(&l->direct, piece)
		if (piece->end - piece->start > largest->end - largest->start)
			largest = piece;
	wanted = frames(l, largest->end - largest->start + 1) * l->struct_page_size;
	vec_for_each(&l->kcore, s) {
		size = s->end - s->start + 1;
		if (s->has_phys || size + 2 * page < wanted || size > wanted + 2 * page)
			continue;
		base = s->start - frames(l, largest->phys) * l->struct_page_size;
		piece = &l->direct.items[l->direct.n - 1];
		last = frames(l, piece->phys + (piece->end - piece->start));
		set_region(l, REGION_VMEMMAP,
			   base + frames(l, l->direct.items[0].phys) * l->struct_page_size,
			   base + (last + 1) * l->struct_page_size - 1, "kcore");
		l->has_vmemmap_base = true;
		l->vmemmap_base = base;
		return;
	}
}

/*
 * By elimination: the kernel adds to kcore RAM, vmemmap, its image, vmalloc, modules and, on x86, the
 * page of vsyscalls (kclist_add() in fs/proc/kcore.c and arch/). This is for when no module is loaded.
 */
static void find_modules_segment(struct layout *l)
{
	const struct layout_range *vmalloc = &l->regions[REGION_VMALLOC];
	const struct layout_range *vmemmap = &l->regions[REGION_VMEMMAP];
	const struct kcore_segment *s, *left = NULL;

	/* where modules always go there: see use_vmcoreinfo() */
	if (strcmp(l->in->facts.arch, "x86_64") ||
	    (l->regions[REGION_MODULES].known && !l->regions[REGION_MODULES].seen_only) ||
	    !vmalloc->known || !vmemmap->known)
		return;
	vec_for_each(&l->kcore, s) {
		if (s->has_phys || (s->start <= vmalloc->end && s->end >= vmalloc->start) ||
		    (s->start <= vmemmap->end && s->end >= vmemmap->start))
			continue;
		/* vsyscalls, and the ends of vmemmap's segments, which are rounded to pages */
		if (s->end - s->start < IMAGE_STEP)
			continue;
		if (left)
			return;
		left = s;
	}
	if (left)
		set_region(l, REGION_MODULES, left->start, left->end, "kcore");
}

/* --- the image and the direct map without kcore ---------------------------------------------------- */

/* Where the image is physically: from the first to the last of «Kernel code», «Kernel data», … */
static bool image_phys(const struct layout *l, uint64_t *ret_code, uint64_t *ret_code_end,
		       uint64_t *ret_end)
{
	const struct iomem_range *range;
	bool found = false;

	if (l->iomem.hidden)
		return false;
	vec_for_each(&l->iomem, range) {
		if (!strcmp(range->name, "Kernel code")) {
			*ret_code = range->start;
			*ret_code_end = *ret_end = range->end;
			found = true;
		}
		if (found && !strcmp(layout_owner_kind(range->name), "kernel"))
			*ret_end = MAX(*ret_end, range->end);
	}
	return found;
}

/*
 * «Kernel code» begins with _text or with _stext, as the architecture has it; _text is at most 2 MiB in
 * front of _stext (ARM: the next section of 1 MiB; arm64: 64 KiB; x86: the same), and many kernels list
 * _stext only. So the distance of _stext from it, less what is no multiple of 2 MiB, is the image's.
 */
static void find_image_offset(struct layout *l, uint64_t code, uint64_t code_end)
{
	uint64_t stext, offset, init;

	if (l->has_image_offset || !find_symbol(l, "_stext", &stext))
		return;
	offset = (stext - code) / IMAGE_STEP * IMAGE_STEP;
	/* a check: what is discarded after booting comes behind the code */
	if (find_symbol(l, "_sinittext", &init) && code_end + offset >= init)
		return;
	l->has_image_offset = true;
	l->image_offset = offset;
}

static void find_image(struct layout *l)
{
	struct layout_range *kernel = &l->regions[REGION_KERNEL];
	uint64_t code, code_end, phys_end, start, end;

	if (image_phys(l, &code, &code_end, &phys_end)) {
		find_image_offset(l, code, code_end);
		if (l->has_image_offset && !kernel->known)
			set_region(l, REGION_KERNEL, code + l->image_offset,
				   phys_end + l->image_offset, "kallsyms+iomem");
	}
	if (kernel->known)
		return;
	if ((find_symbol(l, "_text", &start) || find_symbol(l, "_stext", &start)) &&
	    find_symbol(l, "_etext", &end) && start < end)
		set_seen(l, REGION_KERNEL, start, end - 1, "kallsyms",
			 "its code only, from _text to _etext");
	else
		kernel->why = l->in->symbols ? "/proc/kallsyms does not name _text and _etext"
					     : "/proc/kallsyms hides addresses";
}

/* On a 32-bit kernel: low memory, at the image's distance from its physical addresses. */
static int find_low_memory(struct layout *l)
{
	uint64_t page = l->in->facts.page_size, start, end, code, code_end, phys_end;
	uint64_t first = UINT64_MAX, last = 0;
	const struct iomem_range *root;
	const struct zone *zone;

	if (!l->has_image_offset || !image_phys(l, &code, &code_end, &phys_end))
		return 0;
	/* not where the kernel runs from ROM */
	root = layout_root(&l->iomem, iomem_find(&l->iomem, code));
	if (strcmp(layout_owner_kind(root->name), "ram"))
		return 0;
	vec_for_each(&l->zones, zone) {
		if (!zone->present || layout_is_high(l, zone) || !strcmp(zone->name, "Movable"))
			continue;
		first = MIN(first, zone->start_pfn * page);
		last = MAX(last, (zone->start_pfn + zone->spanned) * page - 1);
	}
	if (first > last)
		return 0;
	start = (first + l->image_offset) & UINT32_MAX;
	end = (last + l->image_offset) & UINT32_MAX;
	if (start >= end || code < first || phys_end > last)
		return 0;
	l->has_direct_offset = true;
	l->direct_offset = l->image_offset;
	set_region(l, REGION_DIRECT, start, end, "kallsyms+iomem+zoneinfo");
	return add_piece(l, start, end, first);
}

static int find_direct(struct layout *l)
{
	struct layout_range *direct = &l->regions[REGION_DIRECT];
	int err = 0;

	if (!direct->known && l->in->facts.kernel_bits == 32)
		err = find_low_memory(l);
	if (direct->known || err)
		return err;
	if (l->in->facts.kernel_bits == 32)
		direct->why = "the kernel's image can't be found in both /proc/kallsyms and "
			      "/proc/iomem";
	else if (l->in->files[FILE_KCORE].err == -ENOENT)
		direct->why = "this kernel has no /proc/kcore (CONFIG_PROC_KCORE)";
	else
		direct->why = "/proc/kcore can't be read: it is for root, and for nobody where the "
			      "kernel is locked down";
	return 0;
}

/* --- vmalloc ----------------------------------------------------------------------------------------- */

static bool overlaps(const struct layout_range *range, const struct vmalloc_area *a)
{
	return range->known && a->end >= range->start && a->start <= range->end;
}

/* Memory of modules, which is in a region of its own on most architectures. */
static bool is_module_area(const struct layout *l, const struct vmalloc_area *a)
{
	static const char *const callers[] = { "move_module+", "module_alloc+",
					       "execmem_",     "bpf_jit_alloc_exec+",
					       "load_module+", "layout_and_allocate" };
	size_t i;

	if (overlaps(&l->regions[REGION_MODULES], a))
		return true;
	for (i = 0; a->caller && i < ARRAY_SIZE(callers); i++)
		if (!strncmp(a->caller, callers[i], strlen(callers[i])))
			return true;
	return false;
}

static void find_vmalloc(struct layout *l)
{
	struct layout_range *vmalloc = &l->regions[REGION_VMALLOC];
	uint64_t start = UINT64_MAX, end = 0, total;
	const struct vmalloc_area *a;

	if (vmalloc->known)
		return;
	if (!l->vmalloc.n || l->vmalloc.hidden) {
		vmalloc->why = l->vmalloc.hidden
				       ? "there is no /proc/kcore to tell, and /proc/vmallocinfo's "
					 "addresses are hashed"
				       : "neither /proc/kcore nor /proc/vmallocinfo tells";
		return;
	}
	vec_for_each(&l->vmalloc, a)
		/* on ARM32, low memory that CMA has mapped anew is an area too */
		if (!is_module_area(l, a) && !overlaps(&l->regions[REGION_DIRECT], a)) {
			start = MIN(start, a->start);
			end = MAX(end, a->end);
		}
	if (!keys_kb(l->in->files[FILE_MEMINFO].text, "VmallocTotal:", &total))
		total = UINT64_MAX;
	if (start > end || end - start > total)
		vmalloc->why = "the areas of /proc/vmallocinfo lie farther apart than it is large";
	else
		set_seen(l, REGION_VMALLOC, start, end, "vmallocinfo",
			 "from the first to the last area in use; VmallocTotal says how large the "
			 "region is");
}

static void find_user(struct layout *l)
{
	if (l->in->facts.user_end)
		set_region(l, REGION_USER, 0, l->in->facts.user_end - 1, "mmap() tries");
	else
		l->regions[REGION_USER].why = "mmap() does not tell";
}

int layout_find_regions(struct layout *l)
{
	int err;

	find_user(l);
	use_vmcoreinfo(l);
	find_struct_page(l);
	err = use_direct_segments(l);
	if (err)
		return err;
	find_image(l);
	err = find_direct(l);
	if (err)
		return err;
	find_vmalloc_segment(l);
	find_modules(l);
	find_vmemmap_segment(l);
	find_modules_segment(l);
	find_vmalloc(l);
	/*
	 * Last: on arm64 these are bounds for the most bits of an address that the kernel was built
	 * for, not for those that it uses.
	 */
	if (!l->regions[REGION_VMEMMAP].known)
		use_bounds(l, REGION_VMEMMAP, "NUMBER(VMEMMAP_START)=", "NUMBER(VMEMMAP_END)=");
	if (!l->regions[REGION_VMEMMAP].known)
		l->regions[REGION_VMEMMAP].why =
			l->in->facts.kernel_bits == 32
				? "a 32-bit kernel has none: struct pages are in low memory"
			: l->kcore.n
				? "none of /proc/kcore's segments is as large as the struct pages"
				: "only /proc/kcore tells, which can't be read here";
	l->regions[REGION_FIXMAP].why = "no file of /proc tells it";
	return 0;
}
