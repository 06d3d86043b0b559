# Makes reference.json: what R and psych say about the real files. Run once, by hand; the tests
# read the figures and need no R. From the root of the checkout:
#
#   Rscript ioc_analytics_tests/unit/statistics/reference/make_reference.R ../shared/data \
#     > ioc_analytics_tests/unit/statistics/reference/reference.json
#
# Needs r-base-core, r-cran-psych and r-cran-jsonlite. Only figures are written; the only answers
# are those of attitude, which is R's own example.

suppressMessages(library(psych))
library(jsonlite)

data_folder <- commandArgs(trailingOnly = TRUE)[1]
traits <- c("openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism")
percentages <- c(5, 10, 25, 50, 75, 90, 95)

read_source <- function(folder, file, separator) {
  keys <- fromJSON(file.path(data_folder, folder, "keys.json"))
  raw <- read.delim(gzfile(file.path(data_folder, folder, file)), sep = separator, quote = "\"",
                    na.strings = c("", "NA"), fill = TRUE, comment.char = "")
  answers <- as.matrix(raw[, keys$items$column])
  storage.mode(answers) <- "double"
  answers[answers < keys$scale$min | answers > keys$scale$max] <- NA
  keyed <- answers
  reversed <- keys$items$reverse
  keyed[, reversed] <- keys$scale$min + keys$scale$max - answers[, reversed]
  list(answers = answers, keyed = keyed, trait = keys$items$trait,
       minimum = keys$scale$min, maximum = keys$scale$max)
}

# At least 80 % of a trait's items answered; mean of these, from the scale to 0..100.
score <- function(source, trait) {
  items <- source$keyed[, source$trait == trait, drop = FALSE]
  enough <- rowSums(!is.na(items)) >= 0.8 * ncol(items) - 1e-9
  points <- 100 * (rowMeans(items, na.rm = TRUE) - source$minimum) /
    (source$maximum - source$minimum)
  # Means of equal answers differ in the last bit; without this, quantiles would carry it on.
  ifelse(enough, round(points, 9), NA)
}

distribution <- function(x) {
  x <- x[!is.na(x)]
  interval <- t.test(x)$conf.int
  list(sample_size = length(x), average = mean(x), std_dev = sd(x),
       standard_error = sd(x) / sqrt(length(x)), interval_low = interval[1],
       interval_high = interval[2], minimum = min(x), maximum = max(x),
       percentiles = as.list(setNames(quantile(x, percentages / 100, type = 7, names = FALSE),
                                      percentages)),
       median_absolute_deviation = mad(x, constant = 1),
       skewness = skew(x, type = 3), kurtosis = kurtosi(x, type = 3),
       histogram = hist(x, breaks = seq(0, 100, 5), right = FALSE, include.lowest = TRUE,
                        plot = FALSE)$counts,
       median_interval = sort(x)[c(qbinom(0.025, length(x), 0.5),
                                   qbinom(0.975, length(x), 0.5) + 1)])
}

correlations <- function(scores) {
  result <- list()
  p_values <- c()
  for (a in 1:4) for (b in (a + 1):5) {
    test <- cor.test(scores[, a], scores[, b])
    name <- paste(traits[a], traits[b])
    p_values[name] <- test$p.value
    result[[name]] <- list(r = unname(test$estimate), interval_low = test$conf.int[1],
                           interval_high = test$conf.int[2], p_value = test$p.value,
                           sample_size = unname(test$parameter) + 2)
  }
  adjusted <- p.adjust(p_values, "BH")
  holm <- p.adjust(p_values, "holm")
  for (name in names(result)) {
    result[[name]]$adjusted_p_value <- unname(adjusted[name])
    result[[name]]$familywise_p_value <- unname(holm[name])
  }
  result
}

reliability <- function(source, trait) {
  items <- source$keyed[, source$trait == trait, drop = FALSE]
  # psych's n is the number of rows; a person without any answer is none.
  items <- items[rowSums(!is.na(items)) > 0, , drop = FALSE]
  a <- alpha(items, warnings = FALSE)
  feldt <- alpha.ci(a$total$raw_alpha, nrow(items), ncol(items))
  omega <- NULL
  if (ncol(items) > 2) {
    correlation <- cor(items, use = "pairwise.complete.obs")
    f <- fa(correlation, nfactors = 1, fm = "minres")
    omega <- 1 - sum(f$uniquenesses) / sum(correlation)
  }
  list(sample_size = nrow(items), alpha = a$total$raw_alpha,
       standardized_alpha = a$total$std.alpha, interval_low = feldt$lower.ci,
       interval_high = feldt$upper.ci, omega_total = omega,
       item_rest_correlations = a$item.stats$r.drop,
       mean_inter_item_correlation = a$total$average_r)
}

# careless::longstring and careless::irv(na.rm = TRUE) in base R: rle ends a run at each NA.
careless <- function(source) {
  answers <- source$answers
  answered <- rowSums(!is.na(answers))
  longest <- apply(answers, 1, function(row) max(rle(row)$lengths))
  spread <- apply(answers, 1, sd, na.rm = TRUE)[answered >= 2]
  list(longest_run_counts = as.list(table(longest[answered > 0])), longest_run_sum =
         sum(longest[answered > 0]), sd_n = length(spread), sd_mean = mean(spread),
       sd_sd = sd(spread), zero_variance = sum(spread == 0))
}

describe <- function(folder, file, separator) {
  source <- read_source(folder, file, separator)
  scores <- sapply(traits, function(trait) score(source, trait))
  list(respondents = nrow(scores),
       distributions = lapply(setNames(traits, traits), function(t) distribution(scores[, t])),
       correlations = correlations(scores),
       reliability = lapply(setNames(traits, traits), function(t) reliability(source, t)),
       careless = careless(source))
}

# Two small cases that need no file: attitude (30 departments, 7 ratings, comes with R) and the
# intervals of a rate.
small <- function() {
  a <- alpha(attitude, warnings = FALSE)
  feldt <- alpha.ci(a$total$raw_alpha, nrow(attitude), ncol(attitude))
  f <- fa(cor(attitude), nfactors = 1, fm = "minres")
  test <- cor.test(attitude$rating, attitude$complaints)
  list(attitude = list(
         answers = unname(as.matrix(attitude)), alpha = a$total$raw_alpha,
         standardized_alpha = a$total$std.alpha, interval_low = feldt$lower.ci,
         interval_high = feldt$upper.ci, omega_total = 1 - sum(f$uniquenesses) / sum(cor(attitude)),
         item_rest_correlations = a$item.stats$r.drop,
         mean_inter_item_correlation = a$total$average_r,
         rating = distribution(attitude$rating),
         correlation = list(r = unname(test$estimate), interval_low = test$conf.int[1],
                            interval_high = test$conf.int[2], p_value = test$p.value)),
       rates = lapply(list(c(0, 10), c(1, 10), c(8, 10), c(10, 10), c(37, 1000)), function(x) {
         wilson <- prop.test(x[1], x[2], correct = FALSE)$conf.int
         exact <- binom.test(x[1], x[2])$conf.int
         list(successes = x[1], sample_size = x[2], wilson = c(wilson), exact = c(exact))
       }))
}

reference <- suppressWarnings(list(
  made_with = list(R = R.version.string, psych = as.character(packageVersion("psych")),
                   command = paste("Rscript ioc_analytics_tests/unit/statistics/reference/",
                                   "make_reference.R ../shared/data", sep = "")),
  sources = lapply(
    Filter(function(source) dir.exists(file.path(data_folder, source[1])), list(
      bfi_sapa = c("bfi_sapa", "bfi.csv.gz", ","),
      big5_2012 = c("big5_2012", "big5.tsv.gz", "\t"),
      temperament_tipi = c("temperament_tipi", "fti.tsv.gz", "\t"))),
    function(source) describe(source[1], source[2], source[3])),
  small = small()))
cat(toJSON(reference, auto_unbox = TRUE, digits = I(15), pretty = 2, null = "null"), "\n")
