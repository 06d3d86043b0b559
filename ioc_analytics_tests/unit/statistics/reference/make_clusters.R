# Prints the figures of clusters.json (mean, standard error, df, low, high): Rscript make_clusters.R
suppressMessages(library(clubSandwich)); y<-c(1,2,4,3,5,7,8,2,6,9); g<-c(1,1,1,2,2,3,3,3,3,4)
m<-lm(y~1); ci<-conf_int(m,vcov="CR2",cluster=g,test="Satterthwaite"); cat(sprintf("%.12f",c(ci$beta,ci$SE,ci$df,ci$CI_L,ci$CI_U)),"\n")
