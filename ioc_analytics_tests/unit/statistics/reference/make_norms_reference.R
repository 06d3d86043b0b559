# Makes norms.json: mid-rank percentiles and their intervals by base R. Run once, by hand; the tests
# read the figures and need no R. From the root of the checkout:
#
#   Rscript ioc_analytics_tests/unit/statistics/reference/make_norms_reference.R \
#     > ioc_analytics_tests/unit/statistics/reference/norms.json
#
# Needs r-base-core and r-cran-jsonlite. The norm groups are columns of attitude, which comes with R.

library(jsonlite)

place <- function(x, s, level) {
  n <- length(x)
  z <- qnorm((1 + level) / 2)
  p <- mean(x < s) + mean(x == s) / 2
  q <- sum(x == s) / (n + z^2)
  # (p - theta)^2 = z^2/n (theta (1 - theta) - q/4)
  limits <- sort(Re(polyroot(c(p^2 + z^2 / n * q / 4, -(2 * p + z^2 / n), 1 + z^2 / n))))
  list(score = s, level = level, percentile = 100 * p, low = 100 * limits[1],
       high = 100 * limits[2])
}

groups <- lapply(attitude[c("rating", "complaints", "privileges")], function(x) {
  scores <- c(min(x) - 1, min(x), median(x), quantile(x, 0.8, names = FALSE), max(x), max(x) + 1)
  list(sample = x, places = unlist(lapply(c(0.9, 0.95), function(level)
    lapply(scores, function(s) place(x, s, level))), recursive = FALSE))
})
reference <- list(made_with = R.version.string, groups = groups)
cat(toJSON(reference, digits = NA, auto_unbox = TRUE, pretty = TRUE))
