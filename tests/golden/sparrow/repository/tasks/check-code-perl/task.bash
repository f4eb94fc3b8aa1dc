echo start; echo "count 42"; echo alpha; echo beta; echo gamma; echo end
