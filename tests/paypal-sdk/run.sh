#!/bin/sh
# Starts the PayPal stand-in on a free port, drives it with PayPal's own SDK for payouts, and stops it.
set -eu
. "$(dirname "$0")/../standin.sh"
start_standin paypal-standin
export PAYPAL_URL="$url"
run_tests_with @paypal/payouts-sdk
