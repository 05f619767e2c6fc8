/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmscope_gpio: traced traffic on the registers of one GPIO bank. Commands run one at a time, under
 * kgpio_lock; what they start runs in one thread, which alone uses the bank until it has ended.
 */
#ifndef KMSCOPE_GPIO_H
#define KMSCOPE_GPIO_H

#include <linux/compiler.h>
#include <linux/mutex.h>
#include <linux/types.h>

#define KGPIO_NAME_BYTES 8 /* of a bank's name, its zeros included; part of the events */
#define KGPIO_BANK_BYTES 0x1000 /* what is mapped of a bank */
#define KGPIO_REGISTERS	 (KGPIO_BANK_BYTES / 4)
#define KGPIO_MAX_PINS	 32
#define KGPIO_MAX_COUNT	 1000000000
#define KGPIO_MAX_RATE	 1000000 /* a second */

extern struct mutex kgpio_lock;

/* --- layout.c: what kinds of banks there are -------------------------------------------------- */

struct kgpio_register {
	const char *name;
	u32 first; /* offset */
	u32 last; /* the same, but for a register that lies at many */
	u32 reset; /* value that sim=1 begins with */
};

struct kgpio_place {
	phys_addr_t base;
	const char *name;
};

/* Masks have a bit for each pin, bit 0 for pin 0. */
struct kgpio_layout {
	const char *name;
	const char *compatible; /* of the device tree's nodes; NULL: it is a PCI device */
	u16 pci_vendor;
	u16 pci_device;
	unsigned int pins;
	unsigned int width; /* bytes of an access */
	const struct kgpio_register *registers; /* ends with one without a name */
	const struct kgpio_place *banks; /* the only ones there are; NULL: may be anywhere */
	/* Makes the pins of set high and those of clear low. Touches no others. */
	void (*drive)(u32 set, u32 clear);
	/* The levels of these pins; those that are driven if latch, otherwise those that are seen. */
	u32 (*levels)(u32 pins, bool latch);
	/* Which of the pins are outputs. */
	u32 (*outputs)(u32 pins);
	/* Makes those of pins that are in outputs outputs, and the others of pins inputs. */
	void (*direct)(u32 pins, u32 outputs);
	/* The model for sim=1, on registers in memory; seen are the levels of inputs. */
	u32 (*sim_read)(u32 *registers, u32 offset, u32 seen);
	void (*sim_write)(u32 *registers, u32 offset, u32 value);
};

/* NULL if there is none of that name. */
const struct kgpio_layout *kgpio_layout_find(const char *name);
const char *kgpio_layout_register(const struct kgpio_layout *layout, u32 offset);
/* Puts what a reset leaves there into KGPIO_BANK_BYTES of zeros. */
void kgpio_layout_reset(const struct kgpio_layout *layout, u32 *registers);

/* --- device.c: the driver that a real bank has ------------------------------------------------ */

/*
 * While it is held, the bank's driver stays, its clock runs and no other driver gets the pins. 0, or
 * what kgpio_error() returned. gone() is called if the driver is about to be unbound; it returns when
 * nobody uses the bank and kgpio_device_release() was called.
 */
int kgpio_device_hold(const struct kgpio_layout *layout, phys_addr_t base, u32 pins,
		      void (*gone)(void));
/* gpio-omap makes a pin that is given back an input. */
void kgpio_device_free_pins(void); /* of those a driver shares; others have none */
void kgpio_device_release(void);
/* Not before kgpio_device_release(), and not in the bank's thread. */
void kgpio_device_forget(void);

/* --- pci.c: as kgpio_device_hold() and kgpio_device_release(), which call these ------------------ */

int kgpio_pci_hold(const struct kgpio_layout *layout, phys_addr_t base);
void kgpio_pci_release(void);

/* --- bank.c: the bank, its registers and their counts ----------------------------------------- */

struct kgpio_counts {
	u64 reads;
	u64 writes;
	u32 last; /* value that was read or written */
};

/* Checks what the parameters say, without touching any device. Logs what is wrong. */
int kgpio_bank_init(void);
void kgpio_bank_exit(void);
const struct kgpio_layout *kgpio_bank_layout(void);
const char *kgpio_bank_name(void);
phys_addr_t kgpio_bank_base(void);
u32 kgpio_bank_pins(void); /* those that may be driven */
bool kgpio_bank_sim(void);

/*
 * Maps the bank, and makes the pins outputs, after storing what they were; gone() as for
 * kgpio_device_hold(). Also after an error kgpio_device_forget() is due.
 */
int kgpio_bank_open(u32 pins, void (*gone)(void));
/* Makes the pins what they were. */
void kgpio_bank_close(void);

/* Between kgpio_bank_open() and kgpio_bank_close(). All of them are traced and counted. */
u32 kgpio_bank_read(u32 offset);
void kgpio_bank_write(u32 offset, u32 value);
/* Changes bits of a register that has no registers for setting and clearing. */
void kgpio_bank_modify(u32 offset, u32 clear, u32 set);

/* False if the register was never used. */
bool kgpio_bank_counts(u32 offset, struct kgpio_counts *ret_counts);
void kgpio_bank_mappings(u64 *ret_maps, u64 *ret_unmaps);
void kgpio_bank_reset_counts(void);

/* --- traffic.c: patterns, and the thread that makes them -------------------------------------- */

struct kgpio_pattern {
	const char *name;
	u32 steps; /* that one of COUNT is made of, also of RATE */
	void (*step)(u32 pins, u64 n); /* n counts from 0 */
};

struct kgpio_progress {
	const char *state; /* idle, running, done, stopped or unbound */
	const char *pattern;
	u64 done; /* steps */
	u64 of;
};

extern const struct kgpio_pattern kgpio_blink, kgpio_walk, kgpio_read;

/* 0, or what kgpio_error() returned: the bank can't be used, or something runs already. */
int kgpio_traffic_start(const struct kgpio_pattern *pattern, u32 pins, u64 count, u32 rate);
/* Returns when nothing runs any more and the bank is as it was. */
void kgpio_traffic_stop(void);
/* The same, without stopping it; without kgpio_lock. -ERESTARTSYS if a signal comes. */
int kgpio_traffic_wait(void);
bool kgpio_traffic_running(void);
void kgpio_traffic_progress(struct kgpio_progress *ret_progress);

/* --- command.c -------------------------------------------------------------------------------- */

/* The answer becomes «error WORD: text», WORD after the errno, which is returned. */
int __printf(2, 3) kgpio_error(int error, const char *format, ...);
/* Runs the command, which it takes apart; NULL is none. 0 or an errno; the answer is there. */
int kgpio_execute(char *line);
const char *kgpio_answer(size_t *ret_length);
/* «4-7,9» as a mask of a layout's pins, none of them none. -EINVAL or -ERANGE. */
int kgpio_parse_pins(const struct kgpio_layout *layout, const char *text, u32 *ret_pins);

#endif
