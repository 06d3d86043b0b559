# When a line reaches an end, and what it says of a later day: lines.json.
# Rscript make_lines_reference.R > lines.json
suppressPackageStartupMessages(library(jsonlite))

crossing <- function(model, end, column, from, to) {
  band <- function(x) {
    predict(model, data.frame(x = x), interval = "confidence")[1, column] - end
  }
  uniroot(band, c(from, to), tol = 1e-12)$root
}

judge <- function(y, end) {
  x <- seq_along(y) - 1
  model <- lm(y ~ x)
  last <- max(x)
  extensions <- lapply(c(1, 30, 90), function(ahead) {
    level <- if (ahead == 30) 0.9 else 0.95
    found <- predict(model, data.frame(x = last + ahead), interval = "prediction", level = level)
    c(ahead, level, found[1, c("fit", "lwr", "upr")])
  })
  list(
    values = y, end = end, slope = unname(coef(model)[2]),
    expected = unname((end - coef(model)[1]) / coef(model)[2]),
    earliest = crossing(model, end, "upr", last, 3650),
    latest = crossing(model, end, "lwr", last, 3650),
    extensions = lapply(extensions, unname)
  )
}

set.seed(20261125)
n <- 0:13
cat(toJSON(list(
  judge(50 + 0.5 * n + rep(c(1, -1), 7), 100),
  judge(round(20 + 0.3 * (0:39) + rnorm(40, 0, 2), 3), 60),
  judge(round(1000 + 12 * (0:89) + rnorm(90, 0, 80), 2), 4000)
), auto_unbox = TRUE, digits = 15, pretty = 1))
