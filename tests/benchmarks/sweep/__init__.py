"""Small trainings over thirteen rates each: runs whose truth follows from what they ended at."""
