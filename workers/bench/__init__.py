"""`duban bench`: how fast whole complaints go through, beside bare pyzeebe and the Java client (docs/performance.md).

It is part of the product, so that operations measure their own machine, engine release and database: real processes of
`duban`, as a cluster has them, in a temporary folder. Only the workers change from round to round.
"""
