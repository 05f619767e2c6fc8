// SPDX-License-Identifier: GPL-2.0
/* Symbolizers that remember: what they say once they always say. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sym/memo.h"
#include "sym/user_memo.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* --- of the kernel's code -------------------------------------------------------------------------------- */

/* Knows functions of 256 bytes from 0x1000 to 0x2000, all by one name. */
struct inner {
	struct symbolizer base;
	const char *name;
	int *asked, *freed;
};

static int inner_lookup(struct symbolizer *s, uint64_t address, struct symbol *ret)
{
	const struct inner *i = (const struct inner *)s;

	++*i->asked;
	if (address < 0x1000 || address >= 0x2000)
		return -ENOENT;
	*ret = (struct symbol){ i->name, "vmlinux", address & ~0xffull, 256 };
	return 0;
}

static int inner_find(struct symbolizer *s, const char *name,
		      int (*visit)(const struct symbol *sym, void *arg), void *arg)
{
	const struct inner *i = (const struct inner *)s;
	const struct symbol sym = { i->name, "vmlinux", 0x1000, 256 };

	return strcmp(name, i->name) ? -ENOENT : visit(&sym, arg);
}

static int inner_range(struct symbolizer *s _unused_, const char *name, uint64_t *ret_start,
		       uint64_t *ret_end)
{
	*ret_start = 0x1000;
	*ret_end = 0x2000;
	return strcmp(name, "vmlinux") ? -ENOENT : 0;
}

static void inner_free(struct symbolizer *s)
{
	++*((struct inner *)s)->freed;
	free(s);
}

static struct symbolizer *inner_new(const char *name, int *asked, int *freed)
{
	static const struct symbolizer_ops ops = {
		.lookup = inner_lookup,
		.find = inner_find,
		.module_range = inner_range,
		.free = inner_free,
	};
	struct inner *i = calloc(1, sizeof(*i));

	assert_non_null(i);
	*i = (struct inner){ { &ops }, name, asked, freed };
	return &i->base;
}

static void assert_is(struct symbolizer *s, uint64_t address, const char *name, uint64_t start)
{
	struct symbol sym;

	assert_int_equal(s->ops->lookup(s, address, &sym), 0);
	assert_string_equal(sym.name, name);
	assert_string_equal(sym.module, "vmlinux");
	assert_int_equal(sym.start, start);
	assert_int_equal(sym.size, 256);
}

static void test_first_answer_stays(void **state _unused_)
{
	struct symbolizer *memo = NULL;
	struct symbol sym = { .name = "untouched" };
	int asked = 0, freed = 0;

	assert_int_equal(memo_new(inner_new("old", &asked, &freed), &memo), 0);
	assert_is(memo, 0x1010, "old", 0x1000);
	assert_is(memo, 0x1010, "old", 0x1000);
	assert_int_equal(asked, 1);
	/* what is not known is asked for each time: it may be of a module that comes later */
	assert_int_equal(memo->ops->lookup(memo, 0x3000, &sym), -ENOENT);
	assert_int_equal(memo->ops->lookup(memo, 0x3000, &sym), -ENOENT);
	assert_string_equal(sym.name, "untouched");
	assert_int_equal(asked, 3);
	memo_renew(memo, inner_new("new", &asked, &freed));
	assert_int_equal(freed, 1);
	assert_is(memo, 0x1010, "old", 0x1000);
	assert_is(memo, 0x1011, "new", 0x1000);
	assert_int_equal(memo_learn(memo, &(struct memo_entry){ 0x1010, 1, 2, "other", "m" }), 0);
	assert_is(memo, 0x1010, "old", 0x1000);
	memo_renew(memo, NULL);
	assert_int_equal(freed, 2);
	assert_is(memo, 0x1011, "new", 0x1000);
	assert_int_equal(memo->ops->lookup(memo, 0x1012, &sym), -ENOENT);
	assert_int_equal(memo_count(memo), 2);
	symbolizer_free(&memo);
	assert_null(memo);
}

static void test_entries(void **state _unused_)
{
	const struct memo_entry *first;
	struct symbolizer *memo = NULL;
	int asked = 0, freed = 0;
	uint64_t i;

	assert_int_equal(memo_new(inner_new("name", &asked, &freed), &memo), 0);
	assert_int_equal(memo_count(memo), 0);
	for (i = 0; i < 0x1000; i++)
		assert_is(memo, 0x1000 + i, "name", 0x1000 + (i & ~0xffull));
	assert_int_equal(memo_count(memo), 0x1000);
	first = memo_entry(memo, 0);
	for (i = 0; i < 0x1000; i++) {
		const struct memo_entry *e = memo_entry(memo, i);

		assert_int_equal(e->address, 0x1000 + i);
		/* the same text is there once */
		assert_ptr_equal(e->name, first->name);
		assert_ptr_equal(e->module, first->module);
	}
	symbolizer_free(&memo);
	assert_int_equal(freed, 1);
}

struct found {
	char text[256];
	size_t n;
};

static int note(const struct symbol *sym, void *arg)
{
	struct found *f = arg;

	f->n += (size_t)snprintf(f->text + f->n, sizeof(f->text) - f->n, "%s@%llx ", sym->name,
				 (unsigned long long)sym->start);
	return 0;
}

static int stop(const struct symbol *sym _unused_, void *arg)
{
	return ++*(int *)arg == 2 ? -E2BIG : 0;
}

static void learn(struct symbolizer *memo, uint64_t address, uint64_t start, uint64_t size,
		  const char *name, const char *module)
{
	/* texts are copied */
	char copy[2][64];

	snprintf(copy[0], sizeof(copy[0]), "%s", name);
	snprintf(copy[1], sizeof(copy[1]), "%s", module);
	assert_int_equal(memo_learn(memo,
				    &(struct memo_entry){ address, start, size, copy[0], copy[1] }),
			 0);
}

/* Without anybody to ask, functions are those of the addresses that are known. */
static void test_find(void **state _unused_)
{
	struct symbolizer *memo = NULL;
	struct found found = { "", 0 };
	int stopped = 0, asked = 0, freed = 0;

	assert_int_equal(memo_new(NULL, &memo), 0);
	assert_int_equal(memo->ops->find(memo, "f", note, &found), -ENOENT);
	learn(memo, 0x110, 0x100, 64, "f", "vmlinux");
	learn(memo, 0x120, 0x100, 64, "f", "vmlinux");
	learn(memo, 0x200, 0x200, 64, "g", "vmlinux");
	learn(memo, 0x310, 0x300, 0, "f", "nf");
	assert_int_equal(memo->ops->find(memo, "f", note, &found), 0);
	assert_string_equal(found.text, "f@100 f@300 ");
	assert_int_equal(memo->ops->find(memo, "f", stop, &stopped), -E2BIG);
	assert_int_equal(memo->ops->find(memo, "", note, &found), -ENOENT);
	/* with somebody, whoever that is knows more */
	memo_renew(memo, inner_new("f", &asked, &freed));
	found.n = 0;
	assert_int_equal(memo->ops->find(memo, "f", note, &found), 0);
	assert_string_equal(found.text, "f@1000 ");
	symbolizer_free(&memo);
}

static void test_module_range(void **state _unused_)
{
	struct symbolizer *memo = NULL;
	uint64_t start = 7, end = 8;
	int asked = 0, freed = 0;

	assert_int_equal(memo_new(NULL, &memo), 0);
	assert_int_equal(memo->ops->module_range(memo, "nf", &start, &end), -ENOENT);
	learn(memo, 0x510, 0x500, 64, "f", "nf");
	learn(memo, 0x110, 0x100, 64, "g", "nf");
	learn(memo, 0x600, 0x600, 0, "h", "nf"); /* to nobody knows where */
	learn(memo, 0x900, 0x900, 64, "k", "other");
	assert_int_equal(memo->ops->module_range(memo, "none", &start, &end), -ENOENT);
	assert_int_equal(start, 7);
	assert_int_equal(memo->ops->module_range(memo, "nf", &start, &end), 0);
	assert_int_equal(start, 0x100);
	assert_int_equal(end, 0x601);
	memo_renew(memo, inner_new("f", &asked, &freed));
	assert_int_equal(memo->ops->module_range(memo, "vmlinux", &start, &end), 0);
	assert_int_equal(end, 0x2000);
	symbolizer_free(&memo);
}

/* Texts whose hashes are equal, or nearly so, are still themselves. */
static void test_many_texts(void **state _unused_)
{
	struct symbolizer *memo = NULL;
	struct symbol sym;
	char name[32];
	uint64_t i;

	assert_int_equal(memo_new(NULL, &memo), 0);
	for (i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "%llx", (unsigned long long)i);
		learn(memo, i, i, 1, name, i % 2 ? "odd" : "");
	}
	for (i = 0; i < 20000; i++) {
		snprintf(name, sizeof(name), "%llx", (unsigned long long)i);
		assert_int_equal(memo->ops->lookup(memo, i, &sym), 0);
		assert_string_equal(sym.name, name);
		assert_string_equal(sym.module, i % 2 ? "odd" : "");
	}
	symbolizer_free(&memo);
}

/* --- of user code ---------------------------------------------------------------------------------------- */

#define OBJECT(...) (&(struct report_object){ __VA_ARGS__ })

static void assert_code(const struct user_memo *m, const struct report_object *o, uint64_t offset,
			const char *name, uint64_t into)
{
	const struct user_memo_entry *e = user_memo_find(m, o, offset);

	assert_non_null(e);
	assert_string_equal(e->name, name);
	assert_int_equal(e->into, into);
	assert_int_equal(e->offset, offset);
	assert_true(user_same_object(&m->objects.items[e->object].is, o));
}

static void test_code(void **state _unused_)
{
	char path[] = "/bin/true";
	const struct report_object *o = OBJECT(.path = path, .major = 8, .minor = 1, .inode = 77,
					       .pid = 1, .start = 0x400000, .end = 0x500000);
	const struct report_object *other =
		OBJECT(.path = path, .major = 8, .minor = 1, .inode = 78);
	struct user_memo m = { 0 };

	assert_null(user_memo_find(&m, o, 0));
	assert_int_equal(user_memo_learn(&m, o, 0x10, "main", 4), 0);
	assert_int_equal(user_memo_learn(&m, o, 0x10, "other", 5), 0);
	assert_int_equal(user_memo_learn(&m, o, 0x11, "main", 5), 0);
	assert_int_equal(user_memo_learn(&m, other, 0x10, "another", 6), 0);
	assert_code(&m, o, 0x10, "main", 4);
	assert_code(&m, o, 0x11, "main", 5);
	assert_code(&m, other, 0x10, "another", 6);
	assert_null(user_memo_find(&m, o, 0x12));
	assert_null(user_memo_find(&m, other, 0x11));
	/* the path is a copy; where a file is mapped makes no difference */
	assert_int_equal(m.objects.n, 2);
	assert_ptr_not_equal(m.objects.items[0].is.path, path);
	assert_code(&m, OBJECT(.path = path, .major = 8, .minor = 1, .inode = 77, .pid = 2), 0x10,
		    "main", 4);
	/* another device's file of the same name and inode */
	assert_null(user_memo_find(&m, OBJECT(.path = path, .major = 8, .minor = 2, .inode = 77),
				   0x10));
	user_memo_free(&m);
	assert_int_equal(m.entries.n + m.objects.n, 0);
	user_memo_free(&m);
}

/* Files that have had an inode by turns, and names that were taken back. */
static void test_code_changed(void **state _unused_)
{
	char path[] = "/bin/true";
	const struct report_object *o = OBJECT(.path = path, .inode = 77, .generation = 5);
	const struct report_object *other = OBJECT(.path = path, .inode = 77, .generation = 6);
	struct user_memo m = { 0 };

	assert_null(user_memo_object(&m, o));
	assert_int_equal(user_memo_learn(&m, o, 0x10, "main", 4), 0);
	assert_int_equal(user_memo_learn(&m, other, 0x10, "another", 6), 0);
	assert_int_equal(user_memo_learn(&m, o, 0x20, "second", 7), 0);
	assert_int_equal(user_memo_withdraw(&m, user_memo_object(&m, o)), 0);
	assert_true(user_memo_object(&m, o)->changed);
	assert_false(user_memo_object(&m, other)->changed);
	/* entries that were written to a recording stay, and new ones say that they are wrong */
	assert_int_equal(m.entries.n, 5);
	assert_string_equal(m.entries.items[0].name, "main");
	assert_code(&m, o, 0x10, "", 0);
	assert_code(&m, o, 0x20, "", 0);
	assert_code(&m, other, 0x10, "another", 6);
	/* as a recording tells it */
	assert_int_equal(user_memo_learn(&m, o, 0x10, "main", 4), 0);
	assert_code(&m, o, 0x10, "", 0);
	assert_int_equal(user_memo_learn(&m, other, 0x10, "", 0), 0);
	assert_int_equal(user_memo_learn(&m, other, 0x10, "", 0), 0);
	assert_code(&m, other, 0x10, "", 0);
	assert_int_equal(m.entries.n, 6);
	/* what a recording has of it has to be found by what became known */
	assert_int_equal(user_memo_learn(&m, other, 0x30, "third", 1), 0);
	assert_int_equal(user_memo_know(&m, user_memo_object(&m, other), 9), 0);
	assert_int_equal(user_memo_know(&m, user_memo_object(&m, other), 9), 0);
	assert_int_equal(m.objects.items[1].is.known_generation, 9);
	assert_int_equal(m.entries.n, 8);
	assert_code(&m, other, 0x10, "", 0);
	assert_code(&m, other, 0x30, "third", 1);
	user_memo_free(&m);
}

/* What is no file: of one kind of image it is the same in all processes, unless it has a path. */
static void test_code_without_inode(void **state _unused_)
{
	char vdso[] = "[vdso]", jit[] = "/memfd:jit";
	const struct report_object *wide =
		OBJECT(.path = vdso, .pid = 1, .start = 0x7fff00000000, .end = 0x7fff00002000);
	const struct report_object *narrow =
		OBJECT(.path = vdso, .pid = 2, .start = 0xf7f00000, .end = 0xf7f02000);
	struct user_memo m = { 0 };

	assert_int_equal(user_memo_learn(&m, wide, 0x10, "wide", 1), 0);
	assert_int_equal(user_memo_learn(&m, narrow, 0x10, "narrow", 2), 0);
	assert_code(&m, wide, 0x10, "wide", 1);
	assert_code(&m, narrow, 0x10, "narrow", 2);
	/* in another process, elsewhere */
	assert_code(&m,
		    OBJECT(.path = vdso, .pid = 9, .start = 0x7fff10000000, .end = 0x7fff10002000),
		    0x10, "wide", 1);
	/* of another length: another kernel's, or a compatible one */
	assert_null(user_memo_find(
		&m, OBJECT(.path = vdso, .pid = 1, .start = 0x7fff00000000, .end = 0x7fff00003000),
		0x10));
	assert_int_equal(user_memo_learn(&m, OBJECT(.path = jit, .pid = 1, .end = 4096), 0, "a", 0),
			 0);
	assert_int_equal(user_memo_learn(&m, OBJECT(.path = jit, .pid = 2, .end = 4096), 0, "b", 0),
			 0);
	assert_code(&m, OBJECT(.path = jit, .pid = 1, .end = 4096), 0, "a", 0);
	assert_code(&m, OBJECT(.path = jit, .pid = 2, .end = 4096), 0, "b", 0);
	user_memo_free(&m);
}

static void test_much_code(void **state _unused_)
{
	struct user_memo m = { 0 };
	char path[32], name[32];
	uint32_t i, k;

	for (i = 0; i < 100; i++)
		for (k = 0; k < 100; k++) {
			snprintf(path, sizeof(path), "/lib/%u", i);
			snprintf(name, sizeof(name), "f%u", i * k);
			assert_int_equal(user_memo_learn(&m, OBJECT(.path = path, .inode = 1), k,
							 name, i + k),
					 0);
		}
	assert_int_equal(m.objects.n, 100);
	assert_int_equal(m.entries.n, 10000);
	for (i = 0; i < 100; i++)
		for (k = 0; k < 100; k++) {
			snprintf(path, sizeof(path), "/lib/%u", i);
			snprintf(name, sizeof(name), "f%u", i * k);
			assert_code(&m, OBJECT(.path = path, .inode = 1), k, name, i + k);
		}
	user_memo_free(&m);
}

/* What was learned, and nothing else. */
static void test_user_symbols(void **state _unused_)
{
	char path[] = "/nobody/has/this";
	const struct report_object *o = OBJECT(.path = path, .inode = 5);
	struct user_symbols *s = NULL;
	const char *name = NULL;
	uint64_t into = 0;

	assert_int_equal(user_symbols_new(&s), 0);
	user_symbols_remember(s, false);
	assert_int_equal(user_symbols_learn(s, o, 0x10, "main", 3), 0);
	assert_int_equal(user_symbols_lookup(s, o, 0x10, &name, &into), 0);
	assert_string_equal(name, "main");
	assert_int_equal(into, 3);
	assert_int_equal(user_symbols_lookup(s, o, 0x11, &name, &into), -ENOENT);
	assert_int_equal(user_symbols_memo(s)->entries.n, 1);
	user_symbols_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_answer_stays),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_module_range),
		cmocka_unit_test(test_many_texts),
		cmocka_unit_test(test_code),
		cmocka_unit_test(test_code_changed),
		cmocka_unit_test(test_code_without_inode),
		cmocka_unit_test(test_much_code),
		cmocka_unit_test(test_user_symbols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
