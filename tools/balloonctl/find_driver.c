// SPDX-License-Identifier: GPL-2.0-only
/* The doctor on the driver: which one is bound, and why. */
#include <stdio.h>
#include <string.h>

#include "findings.h"

/* The oldest kernel that the driver is built for. */
#define OLDEST_MAJOR 6
#define OLDEST_MINOR 1

static bool is_old(const char *release)
{
	int major = 0, minor = 0;

	return sscanf(release, "%d.%d", &major, &minor) == 2 &&
	       (major < OLDEST_MAJOR ||
		(major == OLDEST_MAJOR && minor < OLDEST_MINOR));
}

/* Ours is not installed for the kernel that runs: what stands in the way? */
static void not_installed(struct findings *f, const struct snapshot *s)
{
	const struct module *m = &s->module;
	const char *release = s->system.release;
	struct finding *one;

	if (is_old(release)) {
		one = found(f, LEVEL_BAD, "old-kernel",
			    "The kernel %s is older than %d.%d, which is the oldest that the driver can be built for.",
			    release, OLDEST_MAJOR, OLDEST_MINOR);
		advise(one, "Boot a newer kernel.");
		return;
	}
	if (*m->elsewhere)
		one = found(f, LEVEL_BAD, "other-kernel",
			    "The driver is installed for the kernel %s, but %s runs.",
			    m->elsewhere, release);
	else
		one = found(f, LEVEL_BAD, "not-installed",
			    "The driver is not installed for the kernel %s.",
			    release);
	if (m->headers)
		advise(one, "Install it: dkms autoinstall if it is there for DKMS, else make dkms-install in the sources; then modprobe -r virtio_balloon; modprobe virtio_balloon.");
	else
		advise(one, "This kernel's headers are missing, too: apt-get install linux-headers-%s, then dkms autoinstall, or make dkms-install in the sources.",
		       release);
}

/* Ours is installed, and is not what is loaded. */
static void not_loaded(struct findings *f, const struct snapshot *s)
{
	const struct module *m = &s->module;
	struct finding *one;

	if (m->unsigned_file && m->must_be_signed) {
		one = found(f, LEVEL_BAD, "unsigned",
			    "The kernel takes signed modules only (Secure Boot, lockdown), and %s has no signature.",
			    m->installed);
		advise(one, "Sign it with a key that this machine trusts: enroll DKMS's key with mokutil --import /var/lib/dkms/mok.pub, reboot, and dkms install --force it again.");
	} else if (strcmp(m->preferred, m->installed)) {
		one = found(f, LEVEL_BAD, "not-preferred",
			    "The driver is installed as %s, but modprobe takes %s.",
			    m->installed,
			    *m->preferred ? m->preferred : "nothing");
		advise(one, "Run depmod -a; if that does not help, look for an override in /etc/depmod.d.");
	} else if (m->loaded) {
		one = found(f, LEVEL_BAD, "in-tree-loaded",
			    "The kernel's own driver is loaded, though this one is installed: it was loaded first, most likely from the initramfs.");
		advise(one, "modprobe -r virtio_balloon; modprobe virtio_balloon; and update-initramfs -u, so that it stays.");
	} else if (m->must_be_signed) {
		/* A packed file does not show its signature, and none shows whose it is. */
		one = found(f, LEVEL_BAD, "untrusted",
			    "The driver is installed, but not loaded, and the kernel takes modules only with a signature that it trusts (Secure Boot, lockdown).");
		advise(one, "modprobe virtio_balloon; where that is rejected or not permitted: make sign in the sources if modinfo -F signer virtio_balloon names nobody; else enroll that key, DKMS's with mokutil --import /var/lib/dkms/mok.pub, and reboot.");
	} else {
		one = found(f, LEVEL_BAD, "not-loaded",
			    "The driver is installed, but not loaded.");
		advise(one, "modprobe virtio_balloon; where that says nothing, look for a blacklist in /etc/modprobe.d.");
	}
}

void find_driver(struct findings *f, const struct snapshot *s)
{
	const struct module *m = &s->module;
	const struct device *d = selected(s);
	/* What is bound and is no module is in the kernel itself. */
	bool builtin = m->builtin || (d && *d->driver && !m->loaded);
	struct finding *one;

	if (d && d->ours) {
		found(f, LEVEL_GOOD, "driver",
		      "%s is bound to this driver, version %s.", d->name,
		      m->version);
		if (!*m->installed) {
			one = found(f, LEVEL_WARN, "not-kept",
				    "It is not installed for the kernel %s: the next boot loads the kernel's own.",
				    s->system.release);
			advise(one, "make dkms-install in the sources.");
		}
		return;
	}
	if (d && *d->driver)
		found(f, LEVEL_INFO, "in-tree", "%s is bound to the kernel's own driver.",
		      d->name);
	if (d && !*d->driver && m->loaded)
		advise(found(f, LEVEL_BAD, "refused",
			     "A driver is loaded, but %s is not bound to it: it was unbound, or its start failed.",
			     d->name),
		       "dmesg | grep virtio_balloon says why; echo %s >/sys/bus/virtio/drivers/virtio_balloon/bind tries again.",
		       d->name);
	else if (builtin)
		advise(found(f, LEVEL_BAD, "built-in",
			     "The kernel %s has its own driver built in (CONFIG_VIRTIO_BALLOON=y), and no module can take its place.",
			     s->system.release),
		       "Boot a kernel that has it as a module; Debian's have.");
	else if (!*m->installed)
		not_installed(f, s);
	else if (!*m->version)
		not_loaded(f, s);
}
