// SPDX-License-Identifier: GPL-2.0
/* The bank that the parameters choose: its mapping, its registers, traced and counted. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "gpio.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define AM335X_GPIO1 0x4804c000
#define AM335X_LEDS  "21-24"

static char *layout_name = "am335x";
module_param_named(layout, layout_name, charp, 0444);
MODULE_PARM_DESC(layout, "am335x (default), pl061 or edu");

static ulong base;
module_param(base, ulong, 0444);
MODULE_PARM_DESC(base, "physical address of the bank (default of am335x: 0x4804c000, GPIO1)");

static char *pins_text = "";
module_param_named(pins, pins_text, charp, 0444);
MODULE_PARM_DESC(pins, "which may be driven, as 4-7,9 (default of GPIO1: 21-24, the user LEDs)");

static bool sim;
module_param(sim, bool, 0444);
MODULE_PARM_DESC(sim, "a model of the bank in memory instead of a device (default N)");

static uint inputs;
module_param(inputs, uint, 0644);
MODULE_PARM_DESC(inputs, "with sim: mask of the inputs that are high (default 0)");

static const struct kgpio_layout *layout;
static char name[KGPIO_NAME_BYTES];
static phys_addr_t phys;
static u32 pins_allowed;

static u32 *sim_registers; /* KGPIO_BANK_BYTES, if sim */
static void __iomem *mapped; /* if not, while open */

/* How the pins were when opened. */
static struct {
	u32 pins;
	u32 outputs;
	u32 levels;
} saved;

/* On 32 bit machines a count takes two loads; readers ask while the thread counts. */
static DEFINE_RAW_SPINLOCK(counts_lock);
static struct kgpio_counts counts[KGPIO_REGISTERS];
static u64 maps, unmaps;

/* --- parameters ------------------------------------------------------------------------------- */

static int check_am335x(void)
{
	const struct kgpio_place *bank = layout->banks;

	while (bank->name && bank->base != phys)
		bank++;
	if (!bank->name) {
		pr_err("base: no GPIO bank of AM335x is at %pa%s\n", &phys,
		       phys == 0x44e00000 ? ", which is the clock module; GPIO0: 0x44e07000" : "");
		return -EINVAL;
	}
	strscpy(name, bank->name, sizeof(name));
	return 0;
}

static int check_base(void)
{
	phys = base ?: layout->banks ? AM335X_GPIO1 : 0;
	if (!phys) {
		pr_err("base: %s has no default\n", layout->name);
		return -EINVAL;
	}
	if (phys % KGPIO_BANK_BYTES || phys + KGPIO_BANK_BYTES < phys) {
		pr_err("base: %pa is not the beginning of a page\n", &phys);
		return -EINVAL;
	}
	strscpy(name, layout->name, sizeof(name));
	if (layout->banks && check_am335x())
		return -EINVAL;
	if (!sim && region_intersects(phys, KGPIO_BANK_BYTES, IORESOURCE_SYSTEM_RAM,
				      IORES_DESC_NONE) != REGION_DISJOINT) {
		pr_err("base: %pa is memory\n", &phys);
		return -EPERM;
	}
	return 0;
}

static int check_pins(void)
{
	const char *text = pins_text;
	int err;

	if (!*text && layout->banks && phys == AM335X_GPIO1)
		text = AM335X_LEDS;
	err = *text ? kgpio_parse_pins(layout, text, &pins_allowed) : 0;
	if (err)
		pr_err("pins: «%s» is no list of pins 0 to %u\n", text, layout->pins - 1);
	return err;
}

int kgpio_bank_init(void)
{
	int err;

	layout = kgpio_layout_find(layout_name);
	if (!layout) {
		pr_err("layout: «%s» is none of am335x, pl061 and edu\n", layout_name);
		return -EINVAL;
	}
	err = check_base() ?: check_pins();
	if (err || !sim)
		return err;
	sim_registers = vzalloc(KGPIO_BANK_BYTES);
	if (!sim_registers)
		return -ENOMEM;
	kgpio_layout_reset(layout, sim_registers);
	return 0;
}

void kgpio_bank_exit(void)
{
	vfree(sim_registers);
}

const struct kgpio_layout *kgpio_bank_layout(void)
{
	return layout;
}

const char *kgpio_bank_name(void)
{
	return name;
}

phys_addr_t kgpio_bank_base(void)
{
	return phys;
}

u32 kgpio_bank_pins(void)
{
	return pins_allowed;
}

bool kgpio_bank_sim(void)
{
	return sim;
}

/* --- registers -------------------------------------------------------------------------------- */

static void count(u32 offset, u32 value, bool write)
{
	struct kgpio_counts *c = &counts[offset / 4];
	unsigned long flags;

	raw_spin_lock_irqsave(&counts_lock, flags);
	c->reads += !write;
	c->writes += write;
	c->last = value;
	raw_spin_unlock_irqrestore(&counts_lock, flags);
}

static u32 device_read(u32 offset)
{
	return layout->width == 1 ? readb(mapped + offset) : readl(mapped + offset);
}

static void device_write(u32 offset, u32 value)
{
	if (layout->width == 1)
		writeb(value, mapped + offset);
	else
		writel(value, mapped + offset);
}

u32 kgpio_bank_read(u32 offset)
{
	u32 value = sim ? layout->sim_read(sim_registers, offset, READ_ONCE(inputs))
			: device_read(offset);

	count(offset, value, false);
	trace_reg_read(phys + offset, offset, layout->width, value, name);
	return value;
}

void kgpio_bank_write(u32 offset, u32 value)
{
	count(offset, value, true);
	trace_reg_write(phys + offset, offset, layout->width, value, name);
	if (sim)
		layout->sim_write(sim_registers, offset, value);
	else
		device_write(offset, value);
}

/*
 * The bank's driver changes the same register, under a lock that nobody else can take. With
 * interrupts off nothing comes in between on AM335x, which has one CPU.
 */
void kgpio_bank_modify(u32 offset, u32 clear, u32 set)
{
	unsigned long flags;

	local_irq_save(flags);
	kgpio_bank_write(offset, (kgpio_bank_read(offset) & ~clear) | set);
	local_irq_restore(flags);
}

/* --- mapping ---------------------------------------------------------------------------------- */

static u64 address(void)
{
	return sim ? (uintptr_t)sim_registers : (uintptr_t)mapped;
}

static void count_mapping(u64 *ret_counter)
{
	raw_spin_lock_irq(&counts_lock);
	(*ret_counter)++;
	raw_spin_unlock_irq(&counts_lock);
}

static int map(void)
{
	if (!sim) {
		mapped = ioremap(phys, KGPIO_BANK_BYTES);
		if (!mapped)
			return kgpio_error(-ENOMEM, "%pa can't be mapped", &phys);
	}
	count_mapping(&maps);
	trace_map(phys, KGPIO_BANK_BYTES, address(), name);
	return 0;
}

static void unmap(void)
{
	count_mapping(&unmaps);
	trace_unmap(phys, KGPIO_BANK_BYTES, address(), name);
	if (!sim)
		iounmap(mapped);
	mapped = NULL;
}

int kgpio_bank_open(u32 pins, void (*gone)(void))
{
	int err = sim ? 0 : kgpio_device_hold(layout, phys, pins, gone);

	if (err)
		return err;
	err = map();
	if (err) {
		if (!sim)
			kgpio_device_release();
		return err;
	}
	saved.pins = pins;
	if (!pins)
		return 0;
	saved.outputs = layout->outputs(pins);
	saved.levels = layout->levels(pins, true);
	layout->direct(pins, pins);
	return 0;
}

static void restore_pins(void)
{
	/* what inputs would drive is known only where it can be read */
	u32 known = layout->banks ? saved.pins : saved.outputs;

	if (known)
		layout->drive(saved.levels & known, ~saved.levels & known);
	layout->direct(saved.pins, saved.outputs);
	if (sim)
		return;
	kgpio_device_free_pins();
	/* gpio-omap has made them inputs */
	if (layout->outputs(saved.pins) != saved.outputs)
		layout->direct(saved.pins, saved.outputs);
}

void kgpio_bank_close(void)
{
	if (saved.pins)
		restore_pins();
	unmap();
	if (!sim)
		kgpio_device_release();
}

/* --- counts ----------------------------------------------------------------------------------- */

bool kgpio_bank_counts(u32 offset, struct kgpio_counts *ret_counts)
{
	raw_spin_lock_irq(&counts_lock);
	*ret_counts = counts[offset / 4];
	raw_spin_unlock_irq(&counts_lock);
	return ret_counts->reads || ret_counts->writes;
}

void kgpio_bank_mappings(u64 *ret_maps, u64 *ret_unmaps)
{
	raw_spin_lock_irq(&counts_lock);
	*ret_maps = maps;
	*ret_unmaps = unmaps;
	raw_spin_unlock_irq(&counts_lock);
}

void kgpio_bank_reset_counts(void)
{
	raw_spin_lock_irq(&counts_lock);
	memset(counts, 0, sizeof(counts));
	maps = unmaps = 0;
	raw_spin_unlock_irq(&counts_lock);
}
