"""Files of a benchmark: tables, per-person results, a manifest, a page of cases."""
