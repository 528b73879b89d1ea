#!/bin/sh
# Creates the namespace TEMPORAL_NAMESPACE, or sets the retention of an existing one (NAMESPACE_RETENTION, in hours).
# The Temporal CLI reads TEMPORAL_ADDRESS and TEMPORAL_TLS… as the worker does.
set -eu

namespace() {
  temporal operator namespace "$@" --namespace "$TEMPORAL_NAMESPACE"
}

if namespace describe > /dev/null 2>&1; then
  namespace update --retention "$NAMESPACE_RETENTION"
else
  namespace create --retention "$NAMESPACE_RETENTION"
fi
