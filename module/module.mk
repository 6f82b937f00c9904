# What databases load: the Go core and its C shims.
#
# Included by the root Makefile; on its own: make -f module/module.mk modules
# MODULE_LIB is where they go, MODULE_TAGS are Go build tags; both are for the tests.

MODULE_DIR := $(dir $(lastword $(MAKEFILE_LIST)))
MODULE_LIB ?= build/lib
MODULE_TAGS ?=

SHIM_CFLAGS := -O2 -std=gnu11 -Wall -Wextra -Werror -fPIC -fvisibility=hidden
SHIM_LDFLAGS := -shared -s -Wl,-z,now -Wl,-z,relro -Wl,-z,noexecstack -Wl,--no-undefined
CORE_LDFLAGS := -s -w -extldflags "-Wl,--version-script=$(abspath $(MODULE_DIR))/core/exports.map -Wl,-z,now"
MYSQL_SHIM := $(wildcard $(MODULE_DIR)mysql/*) $(MODULE_DIR)core/dbkeyring.h $(MODULE_DIR)module.mk
# What a component and a plugin have in common.
MYSQL_COMMON := $(filter-out $(wildcard $(MODULE_DIR)mysql/component.c $(MODULE_DIR)mysql/plugin*.c),$(filter %.c,$(MYSQL_SHIM)))
MODULES := libdbkeyring component_keyring_kmip component_keyring_kms keyring_okv keyring_aws dbkeyring_wiredtiger

.PHONY: modules modules-faultinject
modules: $(MODULES:%=$(MODULE_LIB)/%.so) ## the database modules

modules-faultinject: ## the modules with faults to inject, for the tests
	@$(MAKE) --no-print-directory -f $(MODULE_DIR)module.mk MODULE_LIB=build/faultinject/lib MODULE_TAGS=faultinject modules

# Go knows best what is out of date.
.PHONY: $(MODULE_LIB)/libdbkeyring.so
$(MODULE_LIB)/libdbkeyring.so:
	@mkdir -p $(@D)
	@CGO_ENABLED=1 go build -buildmode=c-shared -trimpath -buildvcs=false -tags '$(MODULE_TAGS)' \
		-ldflags '$(CORE_LDFLAGS)' -o $@ ./$(MODULE_DIR)core
	@rm -f $(@:.so=.h) # cgo's header; ours is module/core/dbkeyring.h

# One shim for each name. $(1): component or plugin; $(2): the sources of this name.
define mysql-shim
	@mkdir -p $(@D)
	@gcc $(SHIM_CFLAGS) -DKEYRING=$(basename $(@F)) -o $@ $(MODULE_DIR)mysql/$(1).c $(2) $(MYSQL_COMMON) \
		$(SHIM_LDFLAGS) -Wl,--version-script=$(MODULE_DIR)mysql/$(1)_exports.map
endef
$(MODULE_LIB)/component_%.so: $(MYSQL_SHIM)
	$(call mysql-shim,component)
$(MODULE_LIB)/keyring_%.so: $(MYSQL_SHIM)
	$(call mysql-shim,plugin,$(wildcard $(MODULE_DIR)mysql/plugin_$**.c))
$(MODULE_LIB)/dbkeyring_wiredtiger.so: $(wildcard $(MODULE_DIR)wiredtiger/*) $(MODULE_DIR)core/dbkeyring.h $(MODULE_DIR)module.mk
	@mkdir -p $(@D)
	@gcc $(SHIM_CFLAGS) -o $@ $(filter %.c,$^) $(SHIM_LDFLAGS) -Wl,--version-script=$(MODULE_DIR)wiredtiger/exports.map
