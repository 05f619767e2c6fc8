/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SYNTH_H
#define KMSCOPE_SOURCE_SYNTH_H
/*
 * A source that plays a script: records as text, one a line. The same script always gives the same
 * stream.
 *
 *	TIME cpuN KIND [key=value …]
 *	repeat TIMES [step_ns=N] [step_ptr=N | step_pfn=N] TIME cpuN KIND [key=value …]
 *	TIME cpuN snapshot file=… [before=TIME] <<END, then lines of text, then a line END
 *
 * TIME is in nanoseconds, or with a suffix us, ms or s. A repeated record is that many records, the
 * time and the pointer or frame of each a step further than those of the one before; of a fault, when
 * it began, too. Numbers are decimal or 0x…; names stand in quotes if they hold spaces, with \", \\ and
 * \xNN for any other byte. What follows a # at the start of a word is a comment.
 *
 *	start		page_size kmalloc_max gfp_dma gfp_reclaimable gfp_account n_cpus sample selected
 *			hooked wall_ns (4096, 8192, 0, 0, 0, 1, 1, 0, 0, 0 unless given)
 *	kmalloc		ptr site req alloc [gfp pid stack flags=own,reuse,again]
 *	cache_alloc	ptr site, and cache=ID or req alloc; else as kmalloc
 *	kfree, cache_free	ptr [pid]
 *	cache		id object slab [name]
 *	task		pid tid cgroup comm
 *	stack		id frames=ADDRESS,…
 *	counters	lost=ALLOCS,FREES filtered nulls map_full
 *	misses		misses=N or misses=unknown [after_end]
 *	page_alloc	pfn=N or pfn=none (it failed), order [migratetype gfp pid stack flags=own,reuse]
 *	page_free	pfn order [pid]
 *	page_refill, page_drain	pfn order [migratetype]
 *	page_fallback	pfn order migratetype from_order from_migratetype [whole stack]
 *	page_bulk	pages
 *	compaction	what=begin or what=end [pfn status]
 *	reclaim		what=begin or what=end [order pages]
 *	area_alloc	address bytes [pid stack flags=own,reuse]
 *	area_free	address [lazy lazy_max]
 *	area_purge	start end [areas]
 *	area_pages	address pages [runs shift]
 *	vmalloc		address bytes began=TIME [site gfp pid]
 *	ioremap		phys bytes address [site mode function=x86,arm,prot or module pid stack]
 *	iounmap		address
 *	register	source=gpio_module, rwmmio, regmap or gpio access=read, write, input or output
 *			value [place offset bytes site name pid]
 *	fault		address ip [began=TIME what=minor or what=major,gup,kernel,access,write,exec,
 *			present,copied,around,huge,swap (some of them) pid stack flags=own]
 *	fault_counts	what=exit, start or end, minor major [tid pid]
 *	process		what=there, exec or name, pid [comm]; what=fork pid parent; or what=exit pid
 *	map		pid start bytes path [offset inode major minor generation protection=rwx (some of them)
 *			shared=0|1]
 *	maps_lost	records
 *	snapshot	file=zoneinfo, buddyinfo, pagetypeinfo, gfp, vmallocinfo, meminfo,
 *			allocators, iomem, devices or vmstat [before=TIME] and a text, or
 *			file=frames runs=KIND:FRAMES,… [before first last=0|1], a KIND being free,
 *			movable, unmovable or hole; .before is the record's time unless given
 *	tick, end
 *
 * Nothing in a text is a comment or in quotes, and any word may stand for END.
 *
 * The first record is start and the last one end. What the kernel's probes make goes through a merge
 * with a lane a CPU, as it does live; a CPU's records stand in the order of its ring, so that their
 * times may go back. The other kinds are made by user space: they are delivered where they stand,
 * after everything above them that is not younger than they are. What follows one and is older than
 * it therefore comes late; so does what stands more than MERGE_LANE_LENGTH records too low in its
 * CPU's order. User space makes process, map, maps_lost, and fault_counts but those of what=exit.
 */
#include "source/source.h"

/*
 * A source that plays @text, which is not needed afterwards. One read() delivers up to the next
 * record that user space makes. -EINVAL, with a failure that names the line, or -ENOMEM.
 */
int synth_open(const char *text, struct source **ret, struct failure *f);

#endif
