// SPDX-License-Identifier: GPL-2.0
/* The patterns, and the thread that makes them. It has the bank from its beginning to its end. */
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/freezer.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/timekeeping.h>
#include <linux/wait.h>

#include "gpio.h"

#define NAP_NS	   (100 * NSEC_PER_USEC) /* at least, so that a high rate is made in batches */
#define NAP_MAX_NS (100 * NSEC_PER_MSEC) /* so often it is looked whether to end */
#define SLACK_NS   (50 * NSEC_PER_USEC)
#define CHUNK	   256 /* steps between two looks at the freezer and the scheduler */

/* Set before the thread begins, and read by it. */
static struct {
	const struct kgpio_pattern *pattern;
	u32 pins;
	u64 steps;
	u32 rate; /* steps a second */
} work;

static struct task_struct *thread; /* a reference of ours, also after its end */
static DECLARE_WAIT_QUEUE_HEAD(ended);
static bool running; /* cleared last by the thread */
static bool unbound; /* the driver goes: end at once */
static bool stopped; /* has ended before its time */
static atomic64_t done = ATOMIC64_INIT(0);

/* --- patterns --------------------------------------------------------------------------------- */

static void step_blink(u32 pins, u64 n)
{
	kgpio_bank_layout()->drive(n % 2 ? 0 : pins, n % 2 ? pins : 0);
}

/* The pin after these, in turn. */
static u32 next_pin(u32 pins, u32 bit)
{
	u32 above = pins & ~(bit | (bit - 1));

	return BIT(__ffs(above ?: pins));
}

/* One pin is high, and the next step takes the next one. */
static void step_walk(u32 pins, u64 n)
{
	static u32 bit;
	u32 before = n ? bit : pins;

	bit = n ? next_pin(pins, bit) : BIT(__ffs(pins));
	kgpio_bank_layout()->drive(bit, before & ~bit);
}

static void step_read(u32 pins, u64 n)
{
	kgpio_bank_layout()->levels(pins, false);
}

const struct kgpio_pattern kgpio_blink = { .name = "blink", .steps = 2, .step = step_blink };
const struct kgpio_pattern kgpio_walk = { .name = "walk", .steps = 1, .step = step_walk };
const struct kgpio_pattern kgpio_read = { .name = "read", .steps = 1, .step = step_read };

/* --- the thread ------------------------------------------------------------------------------- */

static bool ends(void)
{
	return kthread_should_stop() || READ_ONCE(unbound);
}

/* until: of the monotonic clock. Stopping and freezing wake it. */
static void nap(u64 until)
{
	ktime_t expires = ns_to_ktime(until);

	set_current_state(TASK_INTERRUPTIBLE);
	if (!ends())
		schedule_hrtimeout_range(&expires, SLACK_NS, HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

static void make_traffic(void)
{
	u64 begin = ktime_get_ns();
	u64 n = 0;
	u64 due, now;

	while (n < work.steps && !ends()) {
		/* n is at most 2e9: no overflow */
		due = begin + div_u64(n * NSEC_PER_SEC, work.rate);
		now = ktime_get_ns();
		if (due > now) {
			nap(clamp_t(u64, due, now + NAP_NS, now + NAP_MAX_NS));
			kthread_freezable_should_stop(NULL);
			continue;
		}
		work.pattern->step(work.pins, n++);
		atomic64_set(&done, n);
		if (n % CHUNK == 0) {
			kthread_freezable_should_stop(NULL);
			cond_resched();
		}
	}
	stopped = n < work.steps;
}

static void tell_end(void)
{
	smp_store_release(&running, false);
	wake_up_all(&ended);
}

static int traffic(void *unused)
{
	set_freezable();
	make_traffic();
	kgpio_bank_close();
	tell_end();
	return 0;
}

bool kgpio_traffic_running(void)
{
	return smp_load_acquire(&running);
}

/* Called by whoever unbinds the bank's driver, without kgpio_lock. */
static void traffic_gone(void)
{
	WRITE_ONCE(unbound, true);
	wait_event(ended, !kgpio_traffic_running());
}

/* --- from the outside, under kgpio_lock -------------------------------------------------------- */

/* Waits for the end of the thread, which it stops. */
static void reap(void)
{
	if (!thread)
		return;
	/* a thread that is stopped before it had a CPU never runs */
	if (kthread_stop(thread) == -EINTR) {
		stopped = true;
		kgpio_bank_close();
		tell_end();
	}
	put_task_struct(thread);
	thread = NULL;
	kgpio_device_forget();
}

int kgpio_traffic_start(const struct kgpio_pattern *pattern, u32 pins, u64 count, u32 rate)
{
	u32 driven = pattern == &kgpio_read ? 0 : pins;
	struct task_struct *task;
	int err;

	if (kgpio_traffic_running())
		return kgpio_error(-EBUSY, "%s runs, stop it or wait for it", work.pattern->name);
	reap();
	work.pattern = pattern;
	work.pins = pins;
	work.steps = count * pattern->steps;
	work.rate = rate * pattern->steps;
	unbound = false;
	atomic64_set(&done, 0);
	task = kthread_create(traffic, NULL, KBUILD_MODNAME);
	if (IS_ERR(task)) {
		work.pattern = NULL;
		return kgpio_error(PTR_ERR(task), "no thread can be had");
	}
	get_task_struct(task);
	running = true;
	err = kgpio_bank_open(driven, traffic_gone);
	if (err) {
		/* traffic_gone() may wait for this, and forgetting waits for traffic_gone() */
		work.pattern = NULL;
		tell_end();
		kgpio_device_forget();
		kthread_stop(task);
		put_task_struct(task);
		return err;
	}
	thread = task;
	wake_up_process(task);
	return 0;
}

void kgpio_traffic_stop(void)
{
	reap();
}

int kgpio_traffic_wait(void)
{
	return wait_event_interruptible(ended, !kgpio_traffic_running());
}

static const char *state(void)
{
	if (kgpio_traffic_running())
		return "running";
	if (!work.pattern)
		return "idle";
	if (!stopped)
		return "done";
	return READ_ONCE(unbound) ? "unbound" : "stopped";
}

void kgpio_traffic_progress(struct kgpio_progress *ret_progress)
{
	ret_progress->state = state();
	ret_progress->pattern = work.pattern ? work.pattern->name : "none";
	ret_progress->done = atomic64_read(&done);
	ret_progress->of = work.steps;
}
