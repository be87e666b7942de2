"""What a benchmark leaves behind: tables, per-person results, a manifest, a page of cases."""
