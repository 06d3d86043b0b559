# Makes generated/bfi_sapa: answers of 600 people nobody has met, in the shape of the real file, so
# that the figures of R are compared on every checkout. From this folder:
#
#   Rscript make_generated.R
#   Rscript make_reference.R generated > generated/reference.json
#   Rscript make_ocean_reference.R generated > generated/ocean_reference.json
#   Rscript make_dif_reference.R generated > generated/dif.json

library(jsonlite)
set.seed(20261125)
people <- 600
traits <- c(A = "agreeableness", C = "conscientiousness", E = "extraversion", N = "neuroticism",
            O = "openness")
columns <- paste0(rep(names(traits), each = 5), 1:5)
reversed <- columns %in% c("A1", "C4", "C5", "E1", "E2", "O2", "O5")

gender <- rbinom(people, 1, 0.6) + 1
education <- sample(c(1:5, NA), people, replace = TRUE, prob = c(.1, .15, .4, .2, .1, .05))
common <- rnorm(people)
answers <- sapply(seq_along(columns), function(i) {
  set.seed(1000 + (i - 1) %/% 5)  # the trait of five items
  trait <- 0.5 * common + rnorm(people) + 0.15 * ifelse(is.na(education), 0, education)
  set.seed(2000 + i)
  lean <- if (i %% 5 == 3) 0.5 * (gender == 2) else 0
  drawn <- 3.6 + 0.9 * trait + lean + rnorm(people, 0, 0.8)
  given <- pmin(pmax(round(drawn), 1), 6)
  if (reversed[i]) given <- 7 - given
  ifelse(runif(people) < 0.02, NA, given)
})
answers[1:6, ] <- 4  # the same answer throughout
colnames(answers) <- columns

stream <- gzfile("generated/bfi_sapa/bfi.csv.gz", "wt")
write.csv(data.frame(id = seq_len(people), answers, gender = gender, education = education),
          stream, row.names = FALSE, na = "", quote = FALSE)
close(stream)
items <- data.frame(column = columns, trait = unname(traits[substr(columns, 1, 1)]),
                    reverse = reversed)
write(toJSON(list(scale = list(min = 1, max = 6), items = items), auto_unbox = TRUE, pretty = 1),
      "generated/bfi_sapa/keys.json")
