// SPDX-License-Identifier: GPL-2.0
/* kfree_rcu(), and waiting until what it was given is free. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/workqueue.h>

#include "truth.h"

/* The beginning of an object that is freed after a grace period. */
struct deferred {
	struct rcu_head rcu;
};

static u64 n_pending; /* objects given to kfree_rcu() since the last time all were free */

/* --- kfree_rcu -------------------------------------------------------------------------------- */

static truth_site struct deferred *truth_kfree_rcu_site(size_t size)
{
	return kmalloc(size, GFP_KERNEL | __GFP_NOWARN);
}

static truth_site void truth_kfree_rcu_free(struct deferred *p)
{
	kfree_rcu(p, rcu);
}

/* Counted as free when kfree_rcu() is called. */
static void kfree_rcu_step(void *context, u64 n)
{
	size_t size = *(size_t *)context;
	struct deferred *p;
	u64 given;

	for (; n; n--) {
		p = truth_kfree_rcu_site(size);
		if (!p) {
			truth_count_failed(TRUTH_KFREE_RCU);
			continue;
		}
		given = ksize(p);
		truth_count_alloc(TRUTH_KFREE_RCU, size, given);
		truth_kfree_rcu_free(p);
		truth_count_free(TRUTH_KFREE_RCU, size, given);
		n_pending++;
	}
}

int truth_run_kfree_rcu(const struct truth_command *command, const u64 *args)
{
	size_t size = args[TRUTH_WORD_SIZE];
	int err = truth_check_total(args[TRUTH_WORD_COUNT], size, TRUTH_MAX_HELD);

	return err ?: truth_repeat(args[TRUTH_WORD_COUNT], kfree_rcu_step, &size);
}

/* --- quiesce ---------------------------------------------------------------------------------- */

/*
 * kvfree_rcu_barrier() came with commit 2b55d6a42d14 ("rcu/kvfree: Add kvfree_rcu_barrier() API"),
 * 6.12. Before, objects of kfree_rcu() wait in per-CPU batches that no barrier covers. So witnesses
 * go after them on each CPU, two times: objects of a cache of their own, of which
 * kmem_cache_shrink() tells when none is left. There are as many as fill a batch, because some of
 * these kernels (6.1 is one) let a batch that is not full wait for five seconds.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)

static int wait_for_kfree_rcu(void)
{
	kvfree_rcu_barrier();
	return 0;
}

static const char *const waited_by = "barrier";

int truth_rcu_init(void)
{
	return 0;
}

void truth_rcu_exit(void)
{
}

#else

#define ROUNDS	   2
#define WITNESSES  (PAGE_SIZE / sizeof(void *)) /* a batch is a page of pointers */
#define POLL_MS	   20
#define TIMEOUT_MS 60000

static struct kmem_cache *witnesses;
static const char *const waited_by = "witness";

static truth_site struct deferred *truth_witness_site(void)
{
	return kmem_cache_alloc(witnesses, GFP_KERNEL);
}

static truth_site void truth_witness_free(struct deferred *p)
{
	kfree_rcu(p, rcu);
}

static void send_from_this_cpu(struct work_struct *work)
{
	struct deferred *p;
	unsigned int i;
	u64 given;

	for (i = 0; i < WITNESSES; i++) {
		p = truth_witness_site();
		if (!p) {
			truth_count_failed(TRUTH_WITNESS);
			continue;
		}
		given = ksize(p);
		truth_count_alloc(TRUTH_WITNESS, sizeof(*p), given);
		truth_witness_free(p);
		truth_count_free(TRUTH_WITNESS, sizeof(*p), given);
	}
}

static void send_witnesses(void)
{
	struct work_struct work;
	unsigned int cpu;

	INIT_WORK_ONSTACK(&work, send_from_this_cpu);
	cpus_read_lock();
	for (cpu = cpumask_first(cpu_online_mask); cpu < nr_cpu_ids;
	     cpu = cpumask_next(cpu, cpu_online_mask)) {
		schedule_work_on(cpu, &work);
		flush_work(&work);
	}
	cpus_read_unlock();
	destroy_work_on_stack(&work);
}

static int wait_for_witnesses(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(TIMEOUT_MS);

	while (kmem_cache_shrink(witnesses)) {
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		msleep(POLL_MS);
	}
	return 0;
}

static int wait_for_kfree_rcu(void)
{
	int round;
	int err;

	for (round = 0; round < ROUNDS; round++) {
		send_witnesses();
		err = wait_for_witnesses();
		if (err)
			return err;
		rcu_barrier();
	}
	return 0;
}

int truth_rcu_init(void)
{
	witnesses = kmem_cache_create("kmscope_truth_witness", sizeof(struct deferred), 0, 0,
				      truth_constructor);
	return witnesses ? 0 : -ENOMEM;
}

void truth_rcu_exit(void)
{
	/* kmem_cache_destroy() complains if a witness is left from a quiesce that timed out. */
	if (witnesses && wait_for_witnesses())
		pr_warn("witnesses of kfree_rcu() are not free yet\n");
	kmem_cache_destroy(witnesses);
}

#endif

int truth_run_quiesce(const struct truth_command *command, const u64 *args)
{
	const char *how = "unused";

	rcu_barrier();
	if (n_pending) {
		if (wait_for_kfree_rcu())
			return truth_error(-ETIMEDOUT, "kfree_rcu() holds %llu objects or fewer",
					   n_pending);
		how = waited_by;
	}
	truth_result.done = n_pending;
	snprintf(truth_result.text, sizeof(truth_result.text), " kfree_rcu=%s", how);
	n_pending = 0;
	return 0;
}
