# A short name for each script; the scripts work without make.
.PHONY: run test bench torture train

# Only what stands on make's own command line: some shells export HOST.
given = $(if $(findstring command,$(origin $(1))),$(2) "$($(1))")

run:
	@scripts/run $(call given,HOST,--host) $(call given,PORT,--port)

test:
	@scripts/test $(ARGS)

bench:
	@scripts/bench $(ARGS)

torture:
	@scripts/torture $(ARGS)

train:
	@scripts/train $(ARGS)
