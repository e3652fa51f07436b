"""Language models: the only place that talks to one."""
