// SPDX-License-Identifier: GPL-2.0
/*
 * The registers of AM335x's GPIO banks, from TI's technical reference manual (SPRUH73, chapter 25 and
 * the memory map in chapter 2), and of ARM's PL061 (DDI 0190), and a model of each.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include "gpio.h"

/* --- AM335x ----------------------------------------------------------------------------------- */

#define AM335X_REVISION	    0x000
#define AM335X_OE	    0x134 /* 0: output */
#define AM335X_DATAIN	    0x138
#define AM335X_DATAOUT	    0x13c
#define AM335X_CLEARDATAOUT 0x190
#define AM335X_SETDATAOUT   0x194

static const struct kgpio_register am335x_registers[] = {
	{ "REVISION", AM335X_REVISION, AM335X_REVISION, 0x50600801 },
	{ "OE", AM335X_OE, AM335X_OE, 0xffffffff },
	{ "DATAIN", AM335X_DATAIN, AM335X_DATAIN },
	{ "DATAOUT", AM335X_DATAOUT, AM335X_DATAOUT },
	{ "CLEARDATAOUT", AM335X_CLEARDATAOUT, AM335X_CLEARDATAOUT },
	{ "SETDATAOUT", AM335X_SETDATAOUT, AM335X_SETDATAOUT },
	{},
};

static const struct kgpio_place am335x_banks[] = {
	{ 0x44e07000, "gpio0" },
	{ 0x4804c000, "gpio1" },
	{ 0x481ac000, "gpio2" },
	{ 0x481ae000, "gpio3" },
	{},
};

/* Never by DATAOUT: reading, changing and writing it would undo what others do to their pins. */
static void am335x_drive(u32 set, u32 clear)
{
	if (clear)
		kgpio_bank_write(AM335X_CLEARDATAOUT, clear);
	if (set)
		kgpio_bank_write(AM335X_SETDATAOUT, set);
}

static u32 am335x_levels(u32 pins, bool latch)
{
	return kgpio_bank_read(latch ? AM335X_DATAOUT : AM335X_DATAIN) & pins;
}

static u32 am335x_outputs(u32 pins)
{
	return ~kgpio_bank_read(AM335X_OE) & pins;
}

static void am335x_direct(u32 pins, u32 outputs)
{
	kgpio_bank_modify(AM335X_OE, outputs & pins, ~outputs & pins);
}

static u32 am335x_sim_read(u32 *registers, u32 offset, u32 seen)
{
	u32 oe = registers[AM335X_OE / 4];

	switch (offset) {
	case AM335X_DATAIN:
		return (registers[AM335X_DATAOUT / 4] & ~oe) | (seen & oe);
	case AM335X_SETDATAOUT:
	case AM335X_CLEARDATAOUT:
		return registers[AM335X_DATAOUT / 4];
	default:
		return registers[offset / 4];
	}
}

static void am335x_sim_write(u32 *registers, u32 offset, u32 value)
{
	switch (offset) {
	case AM335X_SETDATAOUT:
		registers[AM335X_DATAOUT / 4] |= value;
		break;
	case AM335X_CLEARDATAOUT:
		registers[AM335X_DATAOUT / 4] &= ~value;
		break;
	case AM335X_OE:
	case AM335X_DATAOUT:
		registers[offset / 4] = value;
		break;
	default:
		break; /* DATAIN and REVISION can't be written */
	}
}

/* --- PL061 ------------------------------------------------------------------------------------ */

#define PL061_PINS	 8
#define PL061_ALL	 0xff
#define PL061_DATA(mask) ((mask) << 2) /* address bits 9 to 2 choose the pins */
#define PL061_DATA_LAST	 PL061_DATA(PL061_ALL)
#define PL061_DIR	 0x400 /* 1: output */

static const struct kgpio_register pl061_registers[] = {
	{ "DATA", PL061_DATA(0), PL061_DATA_LAST },
	{ "DIR", PL061_DIR, PL061_DIR },
	{},
};

static void pl061_drive(u32 set, u32 clear)
{
	kgpio_bank_write(PL061_DATA(set | clear), set);
}

/* Of inputs, it does not tell what they would drive. */
static u32 pl061_levels(u32 pins, bool latch)
{
	return kgpio_bank_read(PL061_DATA(pins)) & pins;
}

static u32 pl061_outputs(u32 pins)
{
	return kgpio_bank_read(PL061_DIR) & pins;
}

static void pl061_direct(u32 pins, u32 outputs)
{
	kgpio_bank_modify(PL061_DIR, ~outputs & pins, outputs & pins);
}

static u32 pl061_sim_read(u32 *registers, u32 offset, u32 seen)
{
	u32 outputs = registers[PL061_DIR / 4];

	if (offset > PL061_DATA_LAST)
		return registers[offset / 4];
	return ((registers[0] & outputs) | (seen & ~outputs)) & (offset >> 2);
}

static void pl061_sim_write(u32 *registers, u32 offset, u32 value)
{
	u32 pins = (offset >> 2) & registers[PL061_DIR / 4];

	if (offset <= PL061_DATA_LAST)
		registers[0] = (registers[0] & ~pins) | (value & pins);
	else if (offset == PL061_DIR)
		registers[offset / 4] = value & PL061_ALL;
}

/* --- QEMU's test device «edu» (docs/specs/edu.rst) ---------------------------------------------- */

#define EDU_LIVENESS 0x004 /* what was written is read back inverted */

static const struct kgpio_register edu_registers[] = {
	{ "LIVENESS", EDU_LIVENESS, EDU_LIVENESS },
	{},
};

static u32 edu_levels(u32 pins, bool latch)
{
	return ~kgpio_bank_read(EDU_LIVENESS) & pins;
}

/* Nobody else has the device: reading, changing and writing undoes nothing. */
static void edu_drive(u32 set, u32 clear)
{
	kgpio_bank_write(EDU_LIVENESS, (~kgpio_bank_read(EDU_LIVENESS) & ~clear) | set);
}

static u32 edu_outputs(u32 pins)
{
	return pins;
}

static void edu_direct(u32 pins, u32 outputs)
{
}

static u32 edu_sim_read(u32 *registers, u32 offset, u32 seen)
{
	return registers[offset / 4];
}

static void edu_sim_write(u32 *registers, u32 offset, u32 value)
{
	registers[offset / 4] = ~value;
}

/* --- the table -------------------------------------------------------------------------------- */

static const struct kgpio_layout layouts[] = {
	{
		.name = "am335x",
		.compatible = "ti,omap4-gpio", /* as well as ti,am3352-gpio, which is newer */
		.pins = KGPIO_MAX_PINS,
		.width = 4,
		.registers = am335x_registers,
		.banks = am335x_banks,
		.drive = am335x_drive,
		.levels = am335x_levels,
		.outputs = am335x_outputs,
		.direct = am335x_direct,
		.sim_read = am335x_sim_read,
		.sim_write = am335x_sim_write,
	},
	{
		.name = "pl061",
		.compatible = "arm,pl061",
		.pins = PL061_PINS,
		.width = 1, /* as the kernel's driver does it */
		.registers = pl061_registers,
		.drive = pl061_drive,
		.levels = pl061_levels,
		.outputs = pl061_outputs,
		.direct = pl061_direct,
		.sim_read = pl061_sim_read,
		.sim_write = pl061_sim_write,
	},
	{
		.name = "edu",
		.pci_vendor = 0x1234,
		.pci_device = 0x11e8,
		.pins = KGPIO_MAX_PINS,
		.width = 4,
		.registers = edu_registers,
		.drive = edu_drive,
		.levels = edu_levels,
		.outputs = edu_outputs,
		.direct = edu_direct,
		.sim_read = edu_sim_read,
		.sim_write = edu_sim_write,
	},
};

const struct kgpio_layout *kgpio_layout_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		if (!strcmp(layouts[i].name, name))
			return &layouts[i];
	}
	return NULL;
}

const char *kgpio_layout_register(const struct kgpio_layout *layout, u32 offset)
{
	const struct kgpio_register *r;

	for (r = layout->registers; r->name; r++) {
		if (offset >= r->first && offset <= r->last)
			return r->name;
	}
	return "?";
}

void kgpio_layout_reset(const struct kgpio_layout *layout, u32 *registers)
{
	const struct kgpio_register *r;

	for (r = layout->registers; r->name; r++)
		registers[r->first / 4] = r->reset;
}
