// SPDX-License-Identifier: GPL-2.0-only
/* Calls of libvirt that are about one domain, each in a thread of its own; see virt.h. */
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>
#include <libxml/xpath.h>

#include "virt.h"

#define KIB		1024ull
#define STACK_SIZE	(512 * 1024)
#define PERIOD_S	1		/* of the guest's statistics */

/* The host's end of the port that the guest's agent listens to. */
#define HINT_PATH	"string(/domain/devices/channel[target/@type='virtio' and " \
			"target/@name='org.autoballoon.hint.0']/source/@path)"

struct call {
	struct virt *virt;
	enum virt_task task;
	char *name;
	uint64_t bytes;
};

/* The path, which may be "", or NULL. To be freed with xmlFree(). */
static xmlChar *find_hint(const char *text)
{
	xmlDocPtr document = xmlReadMemory(text, (int)strlen(text), NULL, NULL,
					   XML_PARSE_NONET | XML_PARSE_NOERROR |
					   XML_PARSE_NOWARNING);
	xmlXPathContextPtr context = document ? xmlXPathNewContext(document) : NULL;
	xmlXPathObjectPtr result = context ? xmlXPathEvalExpression(BAD_CAST HINT_PATH, context) :
		NULL;
	xmlChar *path = result ? xmlXPathCastToString(result) : NULL;

	xmlXPathFreeObject(result);
	xmlXPathFreeContext(context);
	xmlFreeDoc(document);
	return path;
}

static int inspect(struct call *call, virDomainPtr domain)
{
	char *text = virDomainGetXMLDesc(domain, 0);
	xmlChar *path = text ? find_hint(text) : NULL;

	virt_post(call->virt, virt_message(VIRT_INSPECTED, call->name,
					   path && *path ? (char *)path : NULL));
	xmlFree(path);
	free(text);
	/* `bytes` says whether anything may be changed. */
	return text && call->bytes ?
		virDomainSetMemoryStatsPeriod(domain, PERIOD_S, VIR_DOMAIN_AFFECT_LIVE) : 0;
}

/* A guest that migrates is left alone, also in the moment before we heard of it. */
static bool migrates(struct call *call, virDomainPtr domain)
{
	virDomainJobInfo job;

	if (virDomainGetJobInfo(domain, &job) < 0 || job.type == VIR_DOMAIN_JOB_NONE)
		return false;
	virt_post(call->virt, virt_message(VIRT_MIGRATES, call->name, NULL));
	return true;
}

static int run(struct call *call, virDomainPtr domain)
{
	if (call->task == VIRT_INSPECT)
		return inspect(call, domain);
	if (migrates(call, domain) || call->task == VIRT_LOOK)
		return 0;
	return virDomainSetMemoryFlags(domain, call->bytes / KIB, VIR_DOMAIN_AFFECT_LIVE);
}

static void *call_thread(void *context)
{
	struct call *call = context;
	virConnectPtr connection = virt_connection(call->virt);
	virDomainPtr domain = connection ? virDomainLookupByName(connection, call->name) : NULL;
	const char *why = NULL;

	if (!domain || run(call, domain) < 0)
		why = virGetLastErrorMessage();
	virt_post(call->virt, virt_message(VIRT_DONE, call->name, why));
	if (domain)
		virDomainFree(domain);
	if (connection)
		virConnectClose(connection);
	virt_unref(call->virt);
	free(call->name);
	free(call);
	return NULL;
}

bool virt_call(struct virt *virt, enum virt_task task, const char *name, uint64_t bytes)
{
	struct call *call = calloc(1, sizeof(*call));
	pthread_attr_t attributes;
	pthread_t thread;
	bool good;

	if (!call)
		return false;
	call->virt = virt;
	call->task = task;
	call->bytes = bytes;
	call->name = strdup(name);
	virt_ref(virt);
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	good = call->name && !pthread_create(&thread, &attributes, call_thread, call);
	pthread_attr_destroy(&attributes);
	if (good)
		return true;
	virt_unref(virt);
	free(call->name);
	free(call);
	return false;
}
