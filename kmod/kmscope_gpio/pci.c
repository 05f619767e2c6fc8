// SPDX-License-Identifier: GPL-2.0
/* A bank in the first range of a PCI device, which must have no driver: nobody else uses it then. */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/pci.h>

#include "gpio.h"

#define LABEL "kmscope_gpio"

static struct pci_dev *held; /* a reference of ours, enabled, its range requested */

static struct pci_dev *find_device(const struct kgpio_layout *layout, phys_addr_t base)
{
	struct pci_dev *found = NULL;

	while ((found = pci_get_device(layout->pci_vendor, layout->pci_device, found))) {
		if (pci_resource_start(found, 0) == base &&
		    pci_resource_len(found, 0) >= KGPIO_BANK_BYTES)
			return found;
	}
	return NULL;
}

/* Under the device's lock: no driver comes. */
static int hold(struct pci_dev *found)
{
	int err;

	if (found->dev.driver)
		return kgpio_error(-EBUSY, "%s has a driver", pci_name(found));
	err = pci_enable_device_mem(found);
	if (err)
		return kgpio_error(err, "%s can't be enabled", pci_name(found));
	err = pci_request_region(found, 0, LABEL);
	if (!err)
		return 0;
	pci_disable_device(found);
	return kgpio_error(err, "%s: its registers are used", pci_name(found));
}

int kgpio_pci_hold(const struct kgpio_layout *layout, phys_addr_t base)
{
	struct pci_dev *found = find_device(layout, base);
	int err;

	if (!found)
		return kgpio_error(-ENODEV, "no PCI device %04x:%04x at %pa, try sim=1",
				   layout->pci_vendor, layout->pci_device, &base);
	device_lock(&found->dev);
	err = hold(found);
	device_unlock(&found->dev);
	if (err)
		pci_dev_put(found);
	else
		held = found;
	return err;
}

void kgpio_pci_release(void)
{
	pci_release_region(held, 0);
	pci_disable_device(held);
	pci_dev_put(held);
	held = NULL;
}
