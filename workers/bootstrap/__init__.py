"""The only place that builds real things and hands them round."""
