# Makes dif.json: item functioning by ordinal logistic regression, on the real answers of bfi_sapa. Run
# once, by hand; the tests read the figures and need no R. From the root of the checkout:
#
#   Rscript ioc_analytics_tests/unit/statistics/reference/make_dif_reference.R ../shared/data \
#     > ioc_analytics_tests/unit/statistics/reference/dif.json
#
# Needs r-base-core, r-cran-mass and r-cran-jsonlite.

library(MASS)
library(jsonlite)
data_folder <- commandArgs(trailingOnly = TRUE)[1]
traits <- c("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")

keys <- fromJSON(file.path(data_folder, "bfi_sapa", "keys.json"))
raw <- read.csv(gzfile(file.path(data_folder, "bfi_sapa", "bfi.csv.gz")), na.strings = c("", "NA"))
answers <- as.matrix(raw[, keys$items$column])
low <- keys$scale$min; high <- keys$scale$max
answers[answers < low | answers > high] <- NA
keyed <- answers
keyed[, keys$items$reverse] <- low + high - answers[, keys$items$reverse]

regress <- function(trait) {
  items <- keyed[, keys$items$trait == trait]
  whole <- complete.cases(items) & !is.na(raw$gender)
  x <- items[whole, ]; group <- (raw$gender[whole] == 2) * 1
  score <- as.vector(scale(rowSums(x)))
  n <- nrow(x)
  lapply(setNames(seq_len(ncol(x)), keys$items$column[keys$items$trait == trait]), function(i) {
    y <- ordered(x[, i])
    fit <- function(formula) polr(formula, control = list(reltol = 1e-15, maxit = 5000))
    shift <- fit(y ~ score + group)
    l <- sapply(list(fit(y ~ score), shift, fit(y ~ score * group)),
                function(m) as.numeric(logLik(m)))
    empty <- sum(table(y) * log(table(y) / n))
    nagelkerke <- (1 - exp(2 * (empty - l) / n)) / (1 - exp(2 * empty / n))
    list(statistic = 2 * (l[3] - l[1]), p_value = pchisq(2 * (l[3] - l[1]), 2, lower.tail = FALSE),
         uniform = 2 * (l[2] - l[1]), non_uniform = 2 * (l[3] - l[2]),
         group_log_odds = unname(coef(shift)["group"]),
         thresholds = unname(shift$zeta), log_likelihood = l[2],
         mcfadden_gain = (l[1] - l[3]) / empty, nagelkerke_gain = nagelkerke[3] - nagelkerke[1],
         uniform_nagelkerke_gain = nagelkerke[2] - nagelkerke[1])
  })
}

cat(toJSON(list(made_with = list(R = R.version.string, MASS = as.character(packageVersion("MASS"))),
                regressions = lapply(setNames(traits, traits), regress)),
           auto_unbox = TRUE, digits = I(15), pretty = 1), "\n")
