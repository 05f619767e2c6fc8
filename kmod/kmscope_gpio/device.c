// SPDX-License-Identifier: GPL-2.0
/*
 * A real bank is used beside its own driver (gpio-omap, gpio-pl061), which powers it: a bank whose
 * clock is off answers an access with an external abort. So the driver must be there, is asked by
 * runtime PM to have the clock on, and asked by gpiolib for the pins, which says no if another
 * driver or program has one of them. request_mem_region() would not do: the driver has the region.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/gpio/consumer.h>
#include <linux/gpio/driver.h>
#include <linux/gpio/machine.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/pm_runtime.h>
#include <linux/version.h>

#include "gpio.h"

#define LABEL "kmscope_gpio"

static struct device *dev; /* a reference of ours, with device_unbinding on its bus */
static struct module *owner;
static struct gpio_desc *descs[KGPIO_MAX_PINS];
static void (*device_gone)(void);

/* --- finding it ------------------------------------------------------------------------------- */

/* A reference. */
static struct device_node *find_node(const struct kgpio_layout *layout, phys_addr_t base)
{
	struct device_node *node;
	struct resource place;

	for_each_compatible_node(node, NULL, layout->compatible)
	{
		if (!of_address_to_resource(node, 0, &place) && place.start == base)
			return node;
	}
	return NULL;
}

/*
 * Commit cfe102f63308 ("gpiolib: provide gpio_device_find()") and those after it, in 6.7, removed
 * gpiochip_find().
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
/* The device that has the node's chip; a reference. */
static struct device *find_parent(struct device_node *node)
{
	struct gpio_device *found = gpio_device_find_by_fwnode(of_fwnode_handle(node));
	struct device *parent;

	if (!found)
		return NULL;
	parent = get_device(gpio_device_to_device(found)->parent);
	gpio_device_put(found);
	return parent;
}

/* The chip of a device that stays bound. */
static struct gpio_chip *find_chip(struct device *parent)
{
	struct gpio_device *found = gpio_device_find_by_fwnode(dev_fwnode(parent));
	struct gpio_chip *chip;

	if (!found)
		return NULL;
	chip = gpio_device_get_chip(found);
	gpio_device_put(found);
	return chip;
}
#else
struct search {
	struct device_node *node;
	struct device *parent;
};

static int match_node(struct gpio_chip *chip, void *data)
{
	struct search *search = data;

	if (!chip->parent || chip->parent->of_node != search->node)
		return 0;
	search->parent = get_device(chip->parent);
	return 1;
}

static struct device *find_parent(struct device_node *node)
{
	struct search search = { .node = node };

	return gpiochip_find(&search, match_node) ? search.parent : NULL;
}

static int match_parent(struct gpio_chip *chip, void *data)
{
	return chip->parent == data;
}

static struct gpio_chip *find_chip(struct device *parent)
{
	return gpiochip_find(parent, match_parent);
}
#endif

/* --- holding it ------------------------------------------------------------------------------- */

/*
 * Called under the device's lock, so not while kgpio_device_hold() runs. Neither gone() nor what it
 * waits for takes kgpio_lock, under which the notifier is registered.
 */
static int device_unbinding(struct notifier_block *block, unsigned long action, void *data)
{
	if (action == BUS_NOTIFY_UNBIND_DRIVER && data == dev)
		device_gone();
	return NOTIFY_DONE;
}

static struct notifier_block unbinding = { .notifier_call = device_unbinding };

void kgpio_device_free_pins(void)
{
	unsigned int pin;

	for (pin = 0; pin < KGPIO_MAX_PINS; pin++) {
		if (descs[pin])
			gpiochip_free_own_desc(descs[pin]);
		descs[pin] = NULL;
	}
}

static int request_pins(struct gpio_chip *chip, u32 pins)
{
	struct gpio_desc *desc;
	unsigned int pin;

	for (pin = 0; pin < KGPIO_MAX_PINS; pin++) {
		if (!(pins & BIT(pin)))
			continue;
		desc = gpiochip_request_own_desc(chip, pin, LABEL, GPIO_LOOKUP_FLAGS_DEFAULT,
						 GPIOD_ASIS);
		if (IS_ERR(desc)) {
			kgpio_device_free_pins();
			if (PTR_ERR(desc) == -EBUSY)
				return kgpio_error(
					-EBUSY, "pin %u is used, see gpioinfo or debug/gpio", pin);
			return kgpio_error(PTR_ERR(desc), "pin %u can't be had", pin);
		}
		descs[pin] = desc;
	}
	return 0;
}

/* Under the device's lock: its driver does not come or go. */
static int hold(struct device *parent, u32 pins)
{
	struct gpio_chip *chip = parent->driver ? find_chip(parent) : NULL;
	int err;

	if (!chip || !try_module_get(parent->driver->owner))
		return kgpio_error(-ENODEV, "%s has no driver", dev_name(parent));
	owner = parent->driver->owner;
	err = pm_runtime_resume_and_get(parent);
	if (err) {
		kgpio_error(-EPERM, "%s: no runtime PM (%d), its clock may be off",
			    dev_name(parent), err);
		err = -EPERM;
		goto no_clock;
	}
	err = request_pins(chip, pins);
	if (err)
		goto no_pins;
	err = bus_register_notifier(parent->bus, &unbinding);
	if (!err)
		return 0;
	kgpio_device_free_pins();
	kgpio_error(err, "%s can't be watched", dev_name(parent));
no_pins:
	pm_runtime_put(parent);
no_clock:
	module_put(owner);
	return err;
}

int kgpio_device_hold(const struct kgpio_layout *layout, phys_addr_t base, u32 pins,
		      void (*gone)(void))
{
	struct device_node *node;
	struct device *parent;
	int err;

	if (!layout->compatible)
		return kgpio_pci_hold(layout, base);
	node = find_node(layout, base);
	if (!node)
		return kgpio_error(-ENODEV, "no %s at %pa in the device tree, try sim=1",
				   layout->compatible, &base);
	parent = find_parent(node);
	of_node_put(node);
	if (!parent)
		return kgpio_error(-ENODEV, "no driver has the bank at %pa, its clock may be off",
				   &base);
	device_lock(parent);
	device_gone = gone;
	err = hold(parent, pins);
	if (!err)
		dev = parent;
	device_unlock(parent);
	if (err)
		put_device(parent);
	return err;
}

void kgpio_device_release(void)
{
	if (!dev) {
		kgpio_pci_release();
		return;
	}
	kgpio_device_free_pins();
	pm_runtime_put(dev);
	module_put(owner);
}

void kgpio_device_forget(void)
{
	if (!dev)
		return;
	bus_unregister_notifier(dev->bus, &unbinding);
	put_device(dev);
	dev = NULL;
}
