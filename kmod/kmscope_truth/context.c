// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations elsewhere than in the process that gave the command: in a softirq (a tasklet), in a
 * hard interrupt (irq_work), and in the kworkers of two CPUs. The command waits for all of it.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "truth.h"

/* --- interrupts ------------------------------------------------------------------------------- */

static struct {
	struct tasklet_struct tasklet;
	struct irq_work irq_work;
	struct completion done;
	enum truth_kind_id id;
	struct truth_ask ask;
	u64 n;
	u64 elsewhere; /* runs that were not in the context that the kind stands for */
} job;

static void in_softirq_job(struct tasklet_struct *tasklet)
{
	if (!in_serving_softirq())
		job.elsewhere++;
	truth_turn(job.id, &job.ask, job.n);
	complete(&job.done);
}

static void in_hardirq_job(struct irq_work *work)
{
	if (!hardirq_count())
		job.elsewhere++;
	truth_turn(job.id, &job.ask, job.n);
	complete(&job.done);
}

static void interrupt_step(void *context, u64 n)
{
	for (; n; n -= job.n) {
		job.n = min_t(u64, n, TRUTH_INTERRUPT_TURN);
		reinit_completion(&job.done);
		if (job.id == TRUTH_ATOMIC)
			tasklet_schedule(&job.tasklet);
		else
			irq_work_queue(&job.irq_work);
		wait_for_completion(&job.done);
	}
}

int truth_run_interrupt(const struct truth_command *command, const u64 *args)
{
	u64 count = args[TRUTH_WORD_COUNT];
	int err = truth_check_total(count, args[TRUTH_WORD_SIZE], TRUTH_MAX_TURNED);

	if (err)
		return err;
	job.id = command->id;
	job.ask.size = args[TRUTH_WORD_SIZE];
	job.ask.items = 1;
	job.ask.gfp = GFP_ATOMIC | __GFP_NOWARN;
	job.elsewhere = 0;
	err = truth_repeat(count, interrupt_step, NULL);
	snprintf(truth_result.text, sizeof(truth_result.text), " elsewhere=%llu", job.elsewhere);
	return err;
}

/* --- two CPUs --------------------------------------------------------------------------------- */

static struct {
	struct work_struct alloc_work;
	struct work_struct free_work;
	struct truth_ask ask;
	unsigned int alloc_cpu;
	unsigned int free_cpu;
	void *objects[TRUTH_BATCH];
	size_t n;
} cross;

static void cross_alloc(struct work_struct *work)
{
	void *p;
	size_t i;

	for (i = 0; i < cross.n; i++) {
		p = truth_kinds[TRUTH_CROSS].alloc(&cross.ask);
		if (p)
			truth_count_alloc(TRUTH_CROSS, cross.ask.size, ksize(p));
		else
			truth_count_failed(TRUTH_CROSS);
		cross.objects[i] = p;
	}
}

static void cross_free(struct work_struct *work)
{
	u64 given;
	size_t i;

	for (i = 0; i < cross.n; i++) {
		if (!cross.objects[i])
			continue;
		given = ksize(cross.objects[i]);
		truth_kinds[TRUTH_CROSS].free(cross.objects[i], &cross.ask);
		truth_count_free(TRUTH_CROSS, cross.ask.size, given);
	}
}

static void cross_step(void *context, u64 n)
{
	for (; n; n -= cross.n) {
		cross.n = min_t(u64, n, TRUTH_BATCH);
		schedule_work_on(cross.alloc_cpu, &cross.alloc_work);
		flush_work(&cross.alloc_work);
		schedule_work_on(cross.free_cpu, &cross.free_work);
		flush_work(&cross.free_work);
	}
}

static int cross_locked(const u64 *args)
{
	cross.alloc_cpu = cpumask_first(cpu_online_mask);
	cross.free_cpu = cpumask_next(cross.alloc_cpu, cpu_online_mask);
	if (cross.free_cpu >= nr_cpu_ids)
		return truth_error(-EOPNOTSUPP, "one CPU is online, it takes two");
	cross.ask.size = args[TRUTH_WORD_SIZE];
	cross.ask.items = 1;
	cross.ask.gfp = GFP_KERNEL | __GFP_NOWARN;
	snprintf(truth_result.text, sizeof(truth_result.text), " alloc_cpu=%u free_cpu=%u",
		 cross.alloc_cpu, cross.free_cpu);
	return truth_repeat(args[TRUTH_WORD_COUNT], cross_step, NULL);
}

int truth_run_cross(const struct truth_command *command, const u64 *args)
{
	int err =
		truth_check_total(args[TRUTH_WORD_COUNT], args[TRUTH_WORD_SIZE], TRUTH_MAX_TURNED);

	if (err)
		return err;
	cpus_read_lock();
	err = cross_locked(args);
	cpus_read_unlock();
	return err;
}

void truth_context_init(void)
{
	init_completion(&job.done);
	tasklet_setup(&job.tasklet, in_softirq_job);
	init_irq_work(&job.irq_work, in_hardirq_job);
	INIT_WORK(&cross.alloc_work, cross_alloc);
	INIT_WORK(&cross.free_work, cross_free);
}

/* Commands have waited for the work itself, but not for the last instructions of its functions. */
void truth_context_exit(void)
{
	tasklet_kill(&job.tasklet);
	irq_work_sync(&job.irq_work);
}
