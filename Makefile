# Thin: what each target does stands in scripts/.
.PHONY: run demo test check bench dist setup pixel clean audit fuzz

run:            ## install what is missing, build, start server, shop and Polar stand-in
	@scripts/run.sh

demo:           ## as run, with 90 days of history seeded first
	@scripts/run.sh --seed

test:           ## everything: format, clippy, unit, property, golden, integration, browser, official clients
	@scripts/test.sh

check:          ## the fast loop: format, clippy and the tests that need no browser
	@scripts/check.sh

audit:          ## dependencies: licences, bans, sources, known vulnerabilities
	@scripts/audit.sh

fuzz:           ## every door for outside bytes, a minute each; FUZZ_SECONDS=600 for longer
	@scripts/fuzz.sh

bench:          ## a table of figures: medians, ratios, the machine; PARTS="collector reports" for some
	@scripts/bench.sh

dist:           ## one archive that runs from any folder
	@scripts/dist.sh

setup:          ## only install what is missing
	@scripts/setup.sh

pixel:          ## only build the pixel
	@scripts/pixel.sh

clean:
	cargo clean
	rm -rf .data dist pixel/dist
