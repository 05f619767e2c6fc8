// SPDX-License-Identifier: GPL-2.0
/* kmscope mmio: which registers are mapped by whom, and what is read from and written to them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/registers.h"
#include "base/digits.h"
#include "base/vec.h"

#define TIMELINE_CELLS 48

struct mmio {
	struct analyzer analyzer;
	struct analyzer_options options;
	struct areas
		areas; /* its stream, and who asks for an area; areas themselves are not followed */
	struct mappings mappings;
	struct places places;
	struct register_names names;
	struct registers registers;
};

static const struct column mapping_columns[] = {
	{ "phys", "PHYSICAL", CELL_ADDRESS, 0, 0 },
	{ "bytes", "BYTES", CELL_BYTES, 0, 0 },
	{ "virt", "VIRTUAL", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "device", "DEVICE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "driver", "DRIVER", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 2 },
	{ "site", "MAPPED BY", CELL_SITE, COLUMN_LEFT, 0 },
	{ "module", "MODULE", CELL_MODULE, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	{ "address", "ADDRESS", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "pid", "PID", CELL_ID, COLUMN_JSON_ONLY, 0 },
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 3 },
	{ "cache_mode", "CACHE MODE", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 4 },
	{ "maps", "MAPS", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "unmaps", "UNMAPS", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "failed", "FAILED", CELL_COUNT, COLUMN_IF_SET, 0 },
	{ "existing", "BEFORE", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "live_maps", "LIVE", CELL_COUNT, 0, 1 },
	{ "live", "LIVE", CELL_BOOL, COLUMN_JSON_ONLY, 0 },
	{ "age_ns", "AGE", CELL_NS, COLUMN_JSON_ONLY, 0 },
	{ "stacks", "STACKS", CELL_STACKS, COLUMN_JSON_ONLY, 0 },
};

static const struct column register_columns[] = {
	{ "source", "SOURCE", CELL_TEXT, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	{ "phys", "PHYSICAL", CELL_ADDRESS, COLUMN_IF_SET, 2 },
	{ "device", "DEVICE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "register", "REGISTER", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "offset", "OFFSET", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "width", "WIDTH", CELL_ID, COLUMN_JSON_ONLY, 0 },
	{ "reads", "READS", CELL_COUNT, 0, 0 },
	{ "writes", "WRITES", CELL_COUNT, 0, 0 },
	{ "inputs", "INPUT", CELL_COUNT, COLUMN_IF_SET, 4 },
	{ "outputs", "OUTPUT", CELL_COUNT, COLUMN_IF_SET, 4 },
	{ "last_value", "LAST", CELL_ADDRESS, 0, 0 },
	{ "bits_set", "SET", CELL_ADDRESS, 0, 1 },
	{ "bits_cleared", "CLEARED", CELL_ADDRESS, 0, 1 },
	{ "rate", "A SECOND", CELL_FREQUENCY, 0, 3 },
};

static const struct column access_columns[] = {
	{ "time_ns", "TIME", CELL_NS, COLUMN_JSON_ONLY, 0 },
	{ "seconds", "SECONDS", CELL_TEXT, COLUMN_LEFT | COLUMN_TEXT_ONLY, 0 },
	{ "access", "ACCESS", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "device", "DEVICE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "register", "REGISTER", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "phys", "PHYSICAL", CELL_ADDRESS, COLUMN_JSON_ONLY, 0 },
	{ "width", "WIDTH", CELL_ID, COLUMN_JSON_ONLY, 0 },
	{ "value", "VALUE", CELL_ADDRESS, 0, 0 },
	{ "pid", "PID", CELL_ID, COLUMN_JSON_ONLY, 0 },
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "source", "SOURCE", CELL_TEXT, COLUMN_JSON_ONLY, 0 },
};
/* Printed a few rows at a time, which are to stand below each other. */
static const uint8_t access_widths[ARRAY_SIZE(access_columns)] = { 0, 12, 6, 14, 14, 0,
								   0, 10, 0, 0,	 0 };

static const char *const source_names[REGISTER_SOURCES] = {
	[REGISTER_GPIO_MODULE] = "kmscope_gpio",
	[REGISTER_RWMMIO] = "rwmmio",
	[REGISTER_REGMAP] = "regmap",
	[REGISTER_GPIO] = "gpio",
};

static const char *const access_names[REGISTER_ACCESSES] = {
	[REGISTER_READ] = "read",
	[REGISTER_WRITE] = "write",
	[REGISTER_INPUT] = "input",
	[REGISTER_OUTPUT] = "output",
};

static void mmio_free(struct analyzer *a)
{
	struct mmio *m = (struct mmio *)a;

	areas_free(&m->areas);
	mappings_free(&m->mappings);
	places_free(&m->places);
	register_names_free(&m->names);
	registers_free(&m->registers);
	free(m);
}

static struct analyzer *mmio_create(const struct analyzer_options *o)
{
	struct mmio *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->analyzer.ops = &mmio_analyzer;
	m->options = *o;
	areas_init(&m->areas);
	mappings_init(&m->mappings);
	registers_init(&m->registers, o->trace);
	/* what users say was read before: it is right; it comes last, and so is looked at first */
	if (register_names_add(&m->names, register_names_builtin, "built in", NULL) ||
	    (o->registers && register_names_add(&m->names, o->registers, "--registers", NULL))) {
		mmio_free(&m->analyzer);
		return NULL;
	}
	return &m->analyzer;
}

/* --- records ------------------------------------------------------------------------------------------- */

static void enter_ioremap(struct mmio *m, const struct event_ioremap *e)
{
	struct stream *s = &m->areas.stream;
	enum area_kind kind;

	stream_order(s, &e->h);
	s->quality.analysed++;
	mappings_enter(&m->mappings, s, e, areas_asker(&m->areas, e->stack, &kind));
}

static void enter_unmap(struct mmio *m, const struct event_header *h, uint64_t address)
{
	struct stream *s = &m->areas.stream;
	bool again = h->flags & EVENT_AGAIN;

	stream_order(s, h);
	s->quality.analysed++;
	if (!mappings_unmap(&m->mappings, s, h->time, address, again))
		s->quality.frees_unknown++;
}

/*
 * An area was given up, of whomever: x86's memunmap() and others have iounmap() inlined, so that it ends
 * mappings whose unmapping was not seen. Most areas are none.
 */
static void enter_area_free(struct mmio *m, const struct event_area_free *e)
{
	struct stream *s = &m->areas.stream;

	stream_order(s, &e->h);
	s->quality.analysed++;
	mappings_unmap(&m->mappings, s, e->h.time, e->address, false);
}

static void enter_snapshot(struct mmio *m, const struct event_header *h)
{
	const struct event_snapshot *e = (const struct event_snapshot *)h;

	places_enter(&m->places, e);
	if (e->h.flags == SNAPSHOT_VMALLOCINFO && e->h.time >= m->areas.stream.start.h.time)
		mappings_look(&m->mappings, &m->areas.stream, (const char *)e->data);
	if (e->h.flags == SNAPSHOT_ALLOCATORS)
		areas_consume(&m->areas, &h, 1);
}

static void mmio_consume(struct analyzer *a, const struct event_header *const *records, size_t n)
{
	struct mmio *m = (struct mmio *)a;
	struct stream *s = &m->areas.stream;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct event_header *h = records[i];

		switch (h->kind) {
		case EVENT_IOREMAP:
			enter_ioremap(m, (const struct event_ioremap *)h);
			break;
		case EVENT_IOUNMAP:
			enter_unmap(m, h, ((const struct event_free *)h)->ptr);
			break;
		case EVENT_AREA_FREE:
			enter_area_free(m, (const struct event_area_free *)h);
			break;
		case EVENT_REGISTER:
			stream_order(s, h);
			s->quality.analysed++;
			registers_enter(&m->registers, s, &m->mappings, &m->places, &m->names,
					(const struct event_register *)h);
			break;
		case EVENT_SNAPSHOT:
			enter_snapshot(m, h);
			break;
		default:
			stream_enter(s, h);
		}
	}
}

static void mmio_each_live(const struct analyzer *a, void (*visit)(void *ctx, uint64_t address),
			   void *ctx)
{
	mappings_each_live(&((const struct mmio *)a)->mappings, visit, ctx);
}

/* --- mappings ------------------------------------------------------------------------------------------ */

static void set_mapping(const struct mmio *m, const struct mapping *item, struct report *r,
			struct table *t)
{
	const struct stream *s = &m->areas.stream;
	const struct place *place = item->has_phys ? places_find(&m->places, item->phys) : NULL;
	size_t at = report_add_row(r, t);
	char buf[64];

	if (item->has_phys) {
		report_set_u64(r, t, at, "phys", item->phys);
		report_set_text(r, t, at, "device", places_name(&m->places, item->phys));
	}
	report_set_u64(r, t, at, "bytes", item->bytes);
	if (item->virt)
		report_set_u64(r, t, at, "virt", item->virt);
	if (place)
		report_set_text(r, t, at, "driver", place->driver);
	if (item->caller) {
		report_set_text(r, t, at, "site", item->caller);
	} else if (item->site) {
		report_set_u64(r, t, at, "site", item->site);
		report_set_u64(r, t, at, "module", item->site);
		report_set_u64(r, t, at, "address", item->site);
	}
	report_set_text(r, t, at, "cache_mode", mapping_mode(item));
	report_set_u64(r, t, at, "maps", item->maps);
	report_set_u64(r, t, at, "unmaps", item->unmaps);
	report_set_u64(r, t, at, "failed", item->failed);
	report_set_u64(r, t, at, "existing", item->existing);
	report_set_u64(r, t, at, "live_maps", item->live);
	report_set_u64(r, t, at, "live", item->live > 0);
	if (item->time) {
		report_set_u64(r, t, at, "pid", item->pid);
		report_set_text(r, t, at, "comm", stream_comm(s, item->task, buf));
		report_set_u64(r, t, at, "age_ns",
			       r->end_ns > item->time ? r->end_ns - item->time : 0);
	}
	if (item->stack < s->stacks.n) {
		const struct stream_stack *chain = &s->stacks.items[item->stack];
		struct stack_share share = { .stack = report_add_stack(r, chain->frames, chain->n),
					     .objects = item->maps,
					     .bytes = item->maps * item->bytes,
					     .estimated = true };

		report_add_share(r, t, at, "stacks", share);
	}
}

/* New ones first, then by address. */
static int compare_mappings(const void *a, const void *b)
{
	const struct mapping *x = *(const struct mapping *const *)a;
	const struct mapping *y = *(const struct mapping *const *)b;

	if (!x->time != !y->time)
		return x->time ? -1 : 1;
	if (x->phys != y->phys)
		return CMP(x->phys, y->phys);
	return CMP(x, y);
}

static int report_mappings(const struct mmio *m, struct report *r)
{
	size_t i, all = m->mappings.items.n, n = m->options.top ? MIN(all, m->options.top) : all;
	_cleanup_free_ const struct mapping **items = calloc(MAX(all, (size_t)1), sizeof(*items));
	struct table *t;

	if (!items)
		return -ENOMEM;
	for (i = 0; i < all; i++)
		items[i] = &m->mappings.items.items[i];
	qsort(items, all, sizeof(const struct mapping *), compare_mappings);
	t = report_add_table(r, "mappings", "Mapped registers, new ones first, by physical address",
			     mapping_columns, ARRAY_SIZE(mapping_columns));
	for (i = 0; i < n; i++)
		set_mapping(m, items[i], r, t);
	if (!t)
		return -ENOMEM;
	t->rows_total = all;
	t->empty = "none";
	return 0;
}

/* --- registers ----------------------------------------------------------------------------------------- */

static uint64_t accesses_of(const struct register_row *row)
{
	return row->reads + row->writes + row->inputs + row->outputs;
}

static void set_register(const struct mmio *m, const struct register_row *row, struct report *r,
			 struct table *t)
{
	const struct registers *registers = &m->registers;
	uint64_t run = r->end_ns > r->start_ns ? r->end_ns - r->start_ns : 1, phys;
	uint64_t accesses = accesses_of(row);
	size_t at = report_add_row(r, t);
	char buf[64];

	report_set_text(r, t, at, "source",
			source_names[registers->devices.items[row->device].source]);
	if (register_row_phys(registers, row, &phys))
		report_set_u64(r, t, at, "phys", phys);
	report_set_text(r, t, at, "device", register_row_device(registers, &m->places, row));
	report_set_text(r, t, at, "register", register_row_name(registers, row, buf));
	report_set_u64(r, t, at, "offset", row->offset);
	if (row->width)
		report_set_u64(r, t, at, "width", row->width);
	report_set_u64(r, t, at, "reads", row->reads);
	report_set_u64(r, t, at, "writes", row->writes);
	report_set_u64(r, t, at, "inputs", row->inputs);
	report_set_u64(r, t, at, "outputs", row->outputs);
	if (row->has_value) {
		report_set_u64(r, t, at, "last_value", row->last_value);
		report_set_u64(r, t, at, "bits_set", row->set);
		report_set_u64(r, t, at, "bits_cleared", row->cleared);
	}
	report_set_real(r, t, at, "rate", (double)accesses * (double)NSEC_PER_SEC / (double)run);
}

static int compare_traffic(const void *a, const void *b)
{
	const struct register_row *x = *(const struct register_row *const *)a;
	const struct register_row *y = *(const struct register_row *const *)b;

	return accesses_of(x) != accesses_of(y) ? CMP(accesses_of(y), accesses_of(x)) : CMP(x, y);
}

static int compare_places(const void *a, const void *b)
{
	const struct register_row *x = *(const struct register_row *const *)a;
	const struct register_row *y = *(const struct register_row *const *)b;

	if (x->device != y->device)
		return CMP(x->device, y->device);
	if (x->offset != y->offset)
		return CMP(x->offset, y->offset);
	return CMP(x->address, y->address);
}

/* Those with most traffic, in the order of their addresses. */
static int report_registers(const struct mmio *m, struct report *r)
{
	size_t i, all = m->registers.rows.n, n = m->options.top ? MIN(all, m->options.top) : all,
		  used = 0;
	_cleanup_free_ const struct register_row **rows =
		calloc(MAX(all, (size_t)1), sizeof(*rows));
	struct table *t;

	if (!rows)
		return -ENOMEM;
	/* a row of which only accesses to several registers told, each of them singly, has none */
	for (i = 0; i < all; i++)
		if (accesses_of(&m->registers.rows.items[i]))
			rows[used++] = &m->registers.rows.items[i];
	n = MIN(n, used);
	qsort(rows, used, sizeof(const struct register_row *), compare_traffic);
	qsort(rows, n, sizeof(const struct register_row *), compare_places);
	t = report_add_table(r, "registers", "Register traffic, by device and offset",
			     register_columns, ARRAY_SIZE(register_columns));
	for (i = 0; i < n; i++)
		set_register(m, rows[i], r, t);
	if (!t)
		return -ENOMEM;
	t->rows_total = used;
	t->empty = "none was seen";
	if (m->registers.untold)
		report_add_note(r,
				"%s accesses were to more than %s registers: they are in no table",
				digits_grouped(m->registers.untold).s,
				digits_grouped(REGISTERS_MAX).s);
	return 0;
}

/* --- pins over time ------------------------------------------------------------------------------------ */

static const struct grid_class level_classes[] = {
	[PIN_UNKNOWN] = { "unknown", '?', 90 },
	[PIN_LOW] = { "low", '_', 34 },
	[PIN_HIGH] = { "high", '#', 32 },
	[PIN_BOTH] = { "both", 'x', 33 },
};

static void pin_label(const struct mmio *m, const struct pin *pin, char buf[80])
{
	const struct register_row row = { .device = (uint32_t)pin->owner };
	const struct gpio_chip *chip;
	const char *name;

	if (pin->owner >= m->registers.devices.n) {
		chip = places_chip(&m->places, pin->number);
		if (chip && chip->device)
			snprintf(buf, 80, "%.40s %llu", chip->device,
				 (unsigned long long)(pin->number - chip->first));
		else
			snprintf(buf, 80, "line %u", pin->number);
		return;
	}
	name = register_row_device(&m->registers, &m->places, &row);
	snprintf(buf, 80, "%.40s %u", name ? name : "?", pin->number);
}

static void report_pins(const struct mmio *m, struct report *r)
{
	const struct pins *p = &m->registers.pins;
	uint8_t cells[TIMELINE_CELLS];
	const struct pin *pin;
	struct grid *g;
	size_t i;

	if (!m->options.timeline)
		return;
	g = report_add_grid(r, "timeline", "Pins, from the first level seen to the last", 0,
			    level_classes, ARRAY_SIZE(level_classes));
	vec_for_each(p, pin) {
		char label[80];

		pin_label(m, pin, label);
		for (i = 0; i < TIMELINE_CELLS; i++)
			cells[i] = (uint8_t)pins_state(p, pin, i, TIMELINE_CELLS);
		report_add_grid_row(r, g, label, 0, cells, TIMELINE_CELLS);
	}
	if (p->first)
		report_add_note(r,
				"the timeline begins at %.6f s and ends at %.6f s after the start",
				(double)(p->first - r->start_ns) / (double)NSEC_PER_SEC,
				(double)(p->last - r->start_ns) / (double)NSEC_PER_SEC);
	if (p->untold)
		report_add_note(r, "more than %d pins changed: the timeline has the first ones",
				PINS_MAX);
}

/* --- notes --------------------------------------------------------------------------------------------- */

static void note_gaps(const struct mmio *m, struct report *r)
{
	uint32_t hooked = m->areas.stream.start.hooked;
	const uint32_t any = HOOKED_REGMAP | HOOKED_GPIO | HOOKED_RWMMIO | HOOKED_GPIO_MODULE;

	if (!m->mappings.looked && hooked & HOOKED_PART)
		report_add_note(r, "a part of a recording: what was mapped before it is not known");
	else if (!m->mappings.looked)
		report_add_note(r,
				"/proc/vmallocinfo can't be read: what was mapped before the start "
				"is not known");
	else if (m->mappings.hidden)
		report_add_note(
			r,
			"/proc/vmallocinfo hides addresses: mappings from before the start are "
			"known by what is mapped and by whom (sysctl kernel.kptr_restrict=1 shows "
			"all to root)");
	if (!(hooked & HOOKED_IOREMAP))
		report_add_note(
			r, "new mappings can't be traced on this kernel: ioremap() fires no event "
			   "and no probe can be set on it; see «kmscope doctor»");
	if (!(hooked & any))
		report_add_note(
			r, "register accesses can't be traced on this kernel: it has no events of "
			   "regmap, gpio or rwmmio, and the module kmscope_gpio is not loaded");
	else if (!(hooked & HOOKED_RWMMIO))
		report_add_note(
			r,
			"only accesses through%s%s%s are seen here (CONFIG_TRACE_MMIO_ACCESS, "
			"on arm64, shows all)",
			hooked & HOOKED_REGMAP ? " regmap" : "",
			hooked & HOOKED_GPIO ? hooked & HOOKED_REGMAP ? ", gpiolib" : " gpiolib"
					     : "",
			hooked & HOOKED_GPIO_MODULE ? hooked & (HOOKED_REGMAP | HOOKED_GPIO)
							      ? ", kmscope_gpio"
							      : " kmscope_gpio"
						    : "");
}

static int mmio_report(struct analyzer *a, struct report *r)
{
	const struct mmio *m = (const struct mmio *)a;
	int err = stream_describe(&m->areas.stream, r);

	if (!err)
		err = report_registers(m, r);
	if (!err)
		err = report_mappings(m, r);
	if (err)
		return err;
	report_pins(m, r);
	note_gaps(m, r);
	return r->oom || m->places.oom ? -ENOMEM : 0;
}

/* --- accesses as they happen ---------------------------------------------------------------------------- */

static void set_access(const struct mmio *m, const struct register_trace *x, struct report *r,
		       struct table *t)
{
	const struct registers *registers = &m->registers;
	const struct register_row *row = &registers->rows.items[x->row];
	uint64_t start = m->areas.stream.start.h.time,
		 since = x->time > start ? x->time - start : 0, phys;
	size_t at = report_add_row(r, t);
	char buf[64];

	report_set_u64(r, t, at, "time_ns", x->time);
	snprintf(buf, sizeof(buf), "%5llu.%06llu", (unsigned long long)(since / NSEC_PER_SEC),
		 (unsigned long long)(since % NSEC_PER_SEC / NSEC_PER_USEC));
	report_set_text(r, t, at, "seconds", buf);
	report_set_text(r, t, at, "access", access_names[x->access]);
	report_set_text(r, t, at, "device", register_row_device(registers, &m->places, row));
	report_set_text(r, t, at, "register", register_row_name(registers, row, buf));
	if (register_row_phys(registers, row, &phys))
		report_set_u64(r, t, at, "phys", phys);
	if (x->bytes)
		report_set_u64(r, t, at, "width", x->bytes);
	report_set_u64(r, t, at, "value", x->value);
	report_set_u64(r, t, at, "pid", x->pid);
	report_set_text(r, t, at, "comm", stream_comm(&m->areas.stream, x->task, buf));
	report_set_text(r, t, at, "source",
			source_names[registers->devices.items[row->device].source]);
}

static int mmio_trace(struct analyzer *a, struct report *r)
{
	struct mmio *m = (struct mmio *)a;
	const struct register_trace *x;
	struct table *t;

	if (!m->registers.traced.n)
		return 0;
	r->start_ns = m->areas.stream.start.h.time;
	r->end_ns = m->areas.stream.last_time;
	r->start_wall_ns = m->areas.stream.start.wall_ns;
	t = report_add_table(r, "accesses", NULL, access_columns, ARRAY_SIZE(access_columns));
	vec_for_each(&m->registers.traced, x)
		set_access(m, x, r, t);
	m->registers.traced.n = 0;
	if (!t || r->oom)
		return -ENOMEM;
	t->rows_total = t->n_rows;
	t->least = access_widths;
	return 0;
}

const struct analyzer_ops mmio_analyzer = {
	.name = "mmio",
	.create = mmio_create,
	.consume = mmio_consume,
	.report = mmio_report,
	.trace = mmio_trace,
	.each_live = mmio_each_live,
	.free = mmio_free,
};
